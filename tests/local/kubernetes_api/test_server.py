"""Starting and stopping: free ports, TLS, signals."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local.kubernetes.api import ServerThread, Store, create_app, serve
from tests.local.kubernetes_api.conftest import Tls

ROOT = Path(__file__).parents[3]

PROGRAM = """
import asyncio, sys
from local.kubernetes.api import create_app, serve
app = create_app()
asyncio.run(serve(app, on_listening=lambda url: print(url, flush=True)))
app.state.store.dump(sys.argv[1])
"""


def test_a_signal_stops_the_server_in_spite_of_watches_and_lets_its_caller_finish(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    command = [sys.executable, "-c", PROGRAM, str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        with httpx.stream("GET", f"{url}/api/v1/namespaces?watch=1", trust_env=False, timeout=20) as watch:
            next(watch.iter_lines())
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    store = Store()
    store.load(state)
    assert [key.name for key, _ in store.select(("", "namespaces"))] == ["default", "kube-public", "kube-system"]


def test_an_event_stops_the_server(tls: Tls) -> None:
    seen: list[str] = []

    async def run() -> None:
        stop = asyncio.Event()

        def listening(url: str) -> None:
            seen.append(url)
            stop.set()

        await serve(create_app(), cert_file=tls.cert, key_file=tls.key, on_listening=listening, stop=stop)

    asyncio.run(run())
    assert seen[0].startswith("https://127.0.0.1:")


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(serve(create_app(), port=taken.getsockname()[1]))


def test_a_certificate_that_cannot_be_read_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ServerThread(create_app(), cert_file=tmp_path / "none.pem", key_file=tmp_path / "none.key")
