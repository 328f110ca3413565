"""Starting and stopping: free ports, TLS, watches."""

import socket
from pathlib import Path

import httpx
import pytest

from local.kubernetes.api import ServerThread, create_app


def test_the_server_stops_in_spite_of_watches() -> None:
    server = ServerThread(create_app()).start()
    with httpx.stream("GET", f"{server.url}/api/v1/namespaces?watch=1", trust_env=False, timeout=20) as watch:
        lines = watch.iter_lines()
        next(lines)
        server.stop()
        assert [line for line in lines if "default" not in line and "kube-" not in line] == []


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            ServerThread(create_app(), port=taken.getsockname()[1])


def test_a_certificate_that_cannot_be_read_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ServerThread(create_app(), cert_file=tmp_path / "none.pem", key_file=tmp_path / "none.key")
