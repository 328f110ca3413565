"""What Spin offers and this machine does not: other databases, Redis, MQTT, language models.

Each answers with its interface's own error, so that a function can say what it misses; what no function can reach
without having opened a connection first is left to trap, and so are raw sockets, which Python components cannot open.
"""

from typing import Any, Final

from wasmtime.component import Variant

from local.spin_host.host.abi import HostFunction, Interface, RequestContext, Resource, err


def _refusal(case: str) -> HostFunction:
    def refuse(_context: RequestContext, *_arguments: Any) -> Variant:
        return err(Variant(case, "not available on the one-machine cloud"))

    return refuse


def _refusing(name: str, case: str) -> Interface:
    connection = type("Connection", (Resource,), {"__doc__": "Never handed out."})
    return Interface(name, {"connection": connection}, {"[static]connection.open": _refusal(case)})


INTERFACES: Final = (
    _refusing("fermyon:spin/redis@2.0.0", "other"),
    _refusing("fermyon:spin/mqtt@2.0.0", "connection-failed"),
    _refusing("fermyon:spin/mysql@2.0.0", "connection-failed"),
    _refusing("fermyon:spin/postgres@2.0.0", "connection-failed"),
    _refusing("spin:postgres/postgres@3.0.0", "connection-failed"),
    _refusing("spin:postgres/postgres@4.0.0", "connection-failed"),
    Interface(
        "fermyon:spin/llm@2.0.0",
        functions=dict.fromkeys(("infer", "generate-embeddings"), _refusal("runtime-error")),
    ),
)
