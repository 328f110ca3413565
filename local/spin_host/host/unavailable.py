"""What Spin offers and this machine does not: other databases, Redis, MQTT, language models.

Each answers with its interface's own error, so that a function can say what it misses; what no function can reach
without having opened a connection first is left to trap, and so are raw sockets, which Python components cannot open.
"""

from typing import Any, Final

from wasmtime.component import Variant

from local.spin_host.host.abi import Interface, RequestContext, Resource, err

_MESSAGE: Final = "not available on the one-machine cloud"


class RedisConnection(Resource):
    """Never handed out."""


class MqttConnection(Resource):
    """Never handed out."""


class MysqlConnection(Resource):
    """Never handed out."""


class PostgresConnection(Resource):
    """Never handed out."""


class PostgresConnectionV3(Resource):
    """Never handed out."""


class PostgresConnectionV4(Resource):
    """Never handed out."""


def _refusing(name: str, kind: type[Resource], case: str) -> Interface:
    interface = Interface(name, {"connection": kind})

    @interface.function("[static]connection.open")
    def open_connection(_context: RequestContext, *_arguments: Any) -> Variant:
        return err(Variant(case, _MESSAGE))

    return interface


redis = _refusing("fermyon:spin/redis@2.0.0", RedisConnection, "other")
mqtt = _refusing("fermyon:spin/mqtt@2.0.0", MqttConnection, "connection-failed")
mysql = _refusing("fermyon:spin/mysql@2.0.0", MysqlConnection, "connection-failed")
postgres = _refusing("fermyon:spin/postgres@2.0.0", PostgresConnection, "connection-failed")
postgres_v3 = _refusing("spin:postgres/postgres@3.0.0", PostgresConnectionV3, "connection-failed")
postgres_v4 = _refusing("spin:postgres/postgres@4.0.0", PostgresConnectionV4, "connection-failed")
llm = Interface("fermyon:spin/llm@2.0.0")


@llm.function("infer", "generate-embeddings")
def _no_model(_context: RequestContext, *_arguments: Any) -> Variant:
    return err(Variant("runtime-error", _MESSAGE))


INTERFACES: Final = (
    redis,
    mqtt,
    mysql,
    postgres,
    postgres_v3,
    postgres_v4,
    llm,
)
