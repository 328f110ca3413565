"""As the SDK's examples of Redis, MySQL, PostgreSQL, MQTT and language models: each is asked, by path."""

from spin_sdk import llm, mqtt, mysql, postgres, redis
from spin_sdk.http import IncomingHandler, Request, Response
from spin_sdk.wit.imports.mqtt import Qos
from spin_sdk.wit.imports.rdbms_types import ParameterValue_Str


def _redis():
    with redis.open("redis://127.0.0.1:9") as connection:
        connection.set("key", b"value")
        return connection.get("key")


def _mysql():
    with mysql.open("mysql://spin:spin@127.0.0.1:9/spin") as connection:
        return connection.query("SELECT * FROM test WHERE name = ?", [ParameterValue_Str("splodge")]).rows


def _postgres():
    with postgres.open("user=postgres host=127.0.0.1 port=9") as connection:
        return connection.query("SELECT * FROM test", []).rows


def _mqtt():
    with mqtt.open("mqtt://127.0.0.1:9?client_id=c", "user", "password", 1) as connection:
        return connection.publish("telemetry", b"Eureka!", Qos.AT_LEAST_ONCE)


def _llm():
    return llm.infer("llama2-chat", "tell me a joke").text


SERVICES = {"/redis": _redis, "/mysql": _mysql, "/postgres": _postgres, "/mqtt": _mqtt, "/llm": _llm}


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {}, repr(SERVICES[request.uri]()).encode())
