"""Whose certificates `blue` takes: those of the environment's authorities, read once."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from blue_faas_cli.api import Api
from blue_faas_cli.authorities import authorities
from blue_faas_cli.config import Settings
from blue_faas_cli.page.forwarding import Forwarding
from blue_faas_cli.problems import BlueError
from blue_faas_cli.sign_in.issuer import Issuer


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep the test output clean."""


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def settings(authority: trustme.CA) -> Iterator[Settings]:
    """Those of an API whose certificate an authority of nobody else has issued."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Health)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"https://127.0.0.1:{server.server_address[1]}"
    yield Settings(url, "jwt", "team", "apps", None, None, None, token="token-of-the-user")
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    authorities.cache_clear()
    yield
    authorities.cache_clear()


def test_an_authority_that_nobody_knows_is_not_taken(settings: Settings) -> None:
    with pytest.raises(BlueError, match="No API answers"):
        Api(settings).health()


def test_one_that_the_environment_names_is(
    settings: Settings, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert Api(settings).health()


def test_they_are_read_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    read, make = [], ssl.create_default_context

    def noted(*arguments: Any, **options: Any) -> ssl.SSLContext:
        read.append(options)
        return make(*arguments, **options)

    monkeypatch.setattr(ssl, "create_default_context", noted)
    Api(settings)
    Api(settings)
    Forwarding(settings)
    Issuer()
    assert len(read) == 1
