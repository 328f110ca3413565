"""One started cloud for the whole test session."""

import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.support import components
from tests.support.client import EXAMPLES, Client

PLANTED: Final = f"planted-{secrets.token_hex(12)}"
"""In the environment of the cloud and of every builder: no build and no function may get to see it."""


@pytest.fixture(scope="session")
def opened_port() -> Iterator[int]:
    """What a developer has on this machine and lets functions use: a port that answers 203."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(203)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="session")
def running_cloud(opened_port: int) -> Iterator[Cloud]:
    """The cloud itself: for its logs and addresses."""
    options = CloudOptions(
        port=0,
        builder_environment={"PLANTED_SECRET": PLANTED},
        compile_cache=components.COMPILED,
        local_ports=(opened_port,),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANTED_SECRET", PLANTED)
        with Cloud(options) as cloud:
            yield cloud


@pytest.fixture(scope="session")
def cloud(running_cloud: Cloud) -> Client:
    """A client of the cloud."""
    return Client(running_cloud)


@pytest.fixture(scope="session")
def hello(cloud: Client) -> str:
    """Image of examples/hello, built through the API with the documented registry fields."""
    return cloud.image(hello_task(cloud))


@pytest.fixture(scope="session")
def counter(cloud: Client, opened_port: int) -> str:
    """Image of examples/counter, which counts at ``/count`` and may call whom it likes, as far as this machine lets it.

    What listens on 127.0.0.1 may be called where an entry says so and the machine's user has opened the port.
    """
    named = (f"http://127.0.0.1:{port}" for port in (opened_port, cloud.cloud.port))
    return cloud.image(cloud.drop("counter", "counter.zip", components.counter("http://*:*", "https://*:*", *named)))


_started: dict[str, str] = {}


def hello_task(cloud: Client) -> str:
    """Task of examples/hello, started once a session."""
    if "hello" not in _started:
        _started["hello"] = cloud.start(
            "app.py",
            (EXAMPLES / "hello" / "app.py").read_bytes(),
            app_name="my-function",
            registry_url=cloud.repository,
            username="AWS",
            password=cloud.ecr_password(),
        )
    return _started["hello"]
