"""One component, built and compiled once per run; `serve` starts the real command line on it."""

import base64
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.spin_host.compile_cache import CompileCache, digest_of
from local.spin_host.engine import new_engine
from local.tests.spin_host.pods import Pod, Pulled, Serve, digest, start
from tests.support import components


@pytest.fixture(scope="session")
def component() -> Path:
    """The test function as a wasm component."""
    return components.component()


@pytest.fixture(scope="session")
def cache(component: Path) -> Path:
    """A cache folder with the test function in it."""
    CompileCache(components.COMPILED).compile(new_engine(), digest_of(component.read_bytes()), component)
    return components.COMPILED


@pytest.fixture(scope="session")
def pull(component: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Pulled]]:
    """Makes empty application folders."""
    made: list[Pulled] = []

    def make() -> Pulled:
        made.append(Pulled(tmp_path_factory.mktemp("pulled"), component))
        return made[-1]

    yield make
    for pulled in made:
        shutil.rmtree(pulled.folder)


@pytest.fixture
def serve(cache: Path, tmp_path: Path) -> Iterator[Serve]:
    """Starts pods that end with the test."""
    pods: list[Pod] = []

    def run(app: Path, *options: str, state: Path | None = None, **environment: str) -> Pod:
        pod = Pod(start(app, state or tmp_path / "state", cache, *options, **environment))
        pods.append(pod)
        return pod

    yield run
    for pod in pods:
        pod.stop()


METADATA = {
    "allowed_outbound_hosts": ["http://127.0.0.1:{{ port }}", "http://*.spin.internal", "http://gone.spin.internal"],
    "key_value_stores": ["default"],
    "databases": ["default"],
}


@pytest.fixture(scope="session")
def upstream() -> Iterator[str]:
    """A server outside, which tells what it was asked; returns its ``host:port``."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = f"{self.command} {self.path} {self.headers['x-sent']} ".encode() + self.rfile.read(length)
            self.send_response(203)
            self.send_header("x-seen", self.headers["host"])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # the base class's naming

        def log_message(self, *_arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def sample(pull: Callable[[], Pulled], upstream: str) -> Path:
    """An application with everything declared."""
    pulled = pull()
    pulled.variables = {
        "port": {"default": upstream.rpartition(":")[2]},
        "greeting": {"default": "hello"},
        "secret": {"default": "unset"},
    }
    data = b"".join(f"line {number}\n".encode() for number in range(30_000))
    greeting = {"inline": base64.b64encode(b"hi there").decode().rstrip("="), "digest": f"sha256:{digest(b'hi there')}"}
    pulled.add(
        "main",
        "/...",
        METADATA,
        config={"greeting": "{{ greeting }}, {{secret}}!", "plain": "text"},
        env={"LEVEL": "debug"},
        files=[
            {"path": "greeting.txt", **greeting},
            {"path": "empty.txt", "inline": "", "digest": f"sha256:{digest(b'')}"},
            {"path": "data/large.txt", "digest": pulled.blob(data)},
        ],
    )
    pulled.add("users", "/users/:id/...")
    pulled.add("private", {"private": True}, {"key_value_stores": ["default"]})
    pulled.trigger("static", route="/static", static_response={"status_code": 418, "body": "tea"})
    return pulled.write()


@pytest.fixture(scope="session")
def pod(sample: Path, upstream: str, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """One pod for all tests that neither end it nor reach its limits."""
    state = tmp_path_factory.mktemp("state")
    options = ("--local-port", upstream.rpartition(":")[2])
    running = Pod(start(sample, state, cache, *options, SPIN_VARIABLE_SECRET="from the SpinApp"))
    yield running
    running.stop()
    shutil.rmtree(state)
