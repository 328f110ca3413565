"""Registries other than ECR, over HTTP."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from functions.registry.lookup import find_image
from functions.registry.outcomes import ImageFound, ImageMissing, NotChecked, RegistryCredentials
from tests.unit.registry.http_registry import DIGEST, PASSWORD, USER, HttpRegistry, start

CREDENTIALS = RegistryCredentials(USER, PASSWORD)
OTHER_DIGEST = "sha256:" + "cd" * 32


@pytest.fixture
def registry() -> Iterator[HttpRegistry]:
    registry = HttpRegistry()
    server = start(registry)
    yield registry
    server.shutdown()
    server.server_close()


def test_an_image_by_tag(registry: HttpRegistry) -> None:
    assert find_image(registry.image(":v1")) == ImageFound(DIGEST)
    (request,) = registry.requests
    assert request.method == "HEAD"
    assert "application/vnd.oci.image.manifest.v1+json" in request.headers["Accept"]
    assert "application/vnd.oci.image.index.v1+json" in request.headers["Accept"]


@pytest.mark.parametrize("version", [f"@{DIGEST}", f":v1@{DIGEST}", f":gone@{DIGEST}"])
def test_an_image_by_digest(registry: HttpRegistry, version: str) -> None:
    registry.digest = ""
    assert find_image(registry.image(version)) == ImageFound(DIGEST)


@pytest.mark.parametrize("version", [":typo", f"@{OTHER_DIGEST}"])
def test_an_image_that_is_not_there(registry: HttpRegistry, version: str) -> None:
    answer = find_image(registry.image(version))
    assert isinstance(answer, ImageMissing)
    assert f"{registry.host}/library/app" in answer.reason
    assert version[1:] in answer.reason


@pytest.mark.parametrize("access", ["basic", "bearer"])
def test_credentials_open_a_closed_registry(registry: HttpRegistry, access: Any) -> None:
    registry.access = access
    registry.token_needs_password = True
    assert find_image(registry.image(), CREDENTIALS) == ImageFound(DIGEST)


@pytest.mark.parametrize("answer", [{"token": "the-token"}, {"access_token": "the-token"}])
def test_an_anonymous_token(registry: HttpRegistry, answer: dict[str, str]) -> None:
    registry.access = "bearer"
    registry.token_answer = answer
    assert find_image(registry.image()) == ImageFound(DIGEST)
    token_request = registry.requests[1]
    assert token_request.query["service"] == ["registry.test"]
    assert token_request.query["scope"] == ["repository:library/app:pull"]
    assert token_request.query["account"] == ["x"]
    assert "Authorization" not in token_request.headers


def test_a_closed_registry_is_not_checked(registry: HttpRegistry) -> None:
    registry.access = "basic"
    answer = find_image(registry.image())
    assert answer == NotChecked(f"registry '{registry.host}' asks for credentials")


@pytest.mark.parametrize("access", ["basic", "bearer"])
def test_wrong_credentials_are_not_checked_and_not_told(registry: HttpRegistry, access: Any) -> None:
    registry.access = access
    registry.token_needs_password = True
    wrong = RegistryCredentials(USER, "another-s3cret")
    answer = find_image(registry.image(), wrong)
    assert isinstance(answer, NotChecked)
    assert "s3cret" not in repr(answer) + repr(wrong)


@pytest.mark.parametrize("realm", ["http://example.com/token", "file:///etc/passwd", "nonsense"])
def test_credentials_go_to_no_token_server_without_tls(registry: HttpRegistry, realm: str) -> None:
    registry.access = "bearer"
    registry.realm = realm
    answer = find_image(registry.image(), CREDENTIALS)
    assert isinstance(answer, NotChecked)
    assert "no token server that can be trusted" in answer.reason


@pytest.mark.parametrize("realm", ["https://evil.example/token", "https://127.0.0.1.evil.example/token"])
def test_credentials_go_to_no_token_server_on_another_host(registry: HttpRegistry, realm: str) -> None:
    registry.access = "bearer"
    registry.realm = realm
    answer = find_image(registry.image(), CREDENTIALS)
    assert isinstance(answer, NotChecked)
    assert answer.reason.endswith("has its token server on another host, which gets no password")


@pytest.mark.parametrize("token", [None, 7, "", "two\nlines", {"a": 1}, ["x"]])
def test_a_token_server_that_talks_nonsense(registry: HttpRegistry, token: Any) -> None:
    registry.access = "bearer"
    registry.token_answer = token if isinstance(token, list) else {"token": token}
    answer = find_image(registry.image())
    assert isinstance(answer, NotChecked)
    assert "gave no token" in answer.reason


def test_a_redirect_is_not_followed(registry: HttpRegistry) -> None:
    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", f"http://{registry.host}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    registry.answer_instead = redirect
    assert find_image(registry.image()) == NotChecked(f"registry '{registry.host}' answered HTTP 307")
    assert len(registry.requests) == 1


@pytest.mark.parametrize("digest", ["", "sha256:short", "md5:" + "0" * 64])
def test_an_answer_without_a_digest(registry: HttpRegistry, digest: str) -> None:
    registry.digest = digest
    assert find_image(registry.image()) == NotChecked(f"registry '{registry.host}' answered without a digest")


def test_a_registry_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = find_image(f"127.0.0.1:{port}/library/app:v1")
    assert isinstance(answer, NotChecked)
    assert "did not answer" in answer.reason


def test_a_registry_that_says_nothing_takes_no_longer_than_it_may() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        before = time.monotonic()
        answer = find_image(f"127.0.0.1:{listener.getsockname()[1]}/library/app:v1", seconds=0.3)
    assert isinstance(answer, NotChecked)
    assert time.monotonic() - before < 5  # far above 0.3 s: says only that the limit is one


@pytest.mark.parametrize("slow", ["status", "headers", "body"])
def test_a_registry_that_drips_is_left(registry: HttpRegistry, slow: str) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        if slow != "status":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if slow == "body":
            handler.wfile.write(b"Content-Length: 9999\r\n\r\n")
        try:
            while True:
                handler.wfile.write(b"x" if slow != "headers" else b"X-Drip: 1\r\n")
                time.sleep(0.05)
        except OSError:
            ended.set()

    registry.access = "bearer" if slow == "body" else "open"
    registry.answer_instead = None if slow == "body" else drip
    registry.token_drip = drip
    answer = find_image(registry.image(), seconds=0.5)
    assert answer == NotChecked(f"registry '{registry.host}' was too slow")
    assert ended.wait(60)  # the connection is closed, and with it the thread that read from it


@pytest.mark.parametrize("host", ["127.0.0.1:99999", "xn--.test", "a..b"])
def test_a_host_that_can_be_none(host: str) -> None:
    assert isinstance(find_image(f"{host}/library/app:v1"), NotChecked)
