"""Ends and limits of HTTP as Spin has them, down to the bytes on the wire."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from local.tests.spin_host.pods import Pod, wait_for


def exchange(pod: Pod, request: bytes) -> bytes:
    """Send bytes; everything that comes back until the connection ends."""
    parts = urlsplit(pod.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def head(target: str, *headers: str, method: str = "GET") -> bytes:
    """A request without a body, after which the connection ends."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "connection: close", *headers, "", ""]).encode("latin-1")


def status(answer: bytes) -> int:
    """An answer's status; 0 for none at all."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize(("length", "body"), [("1", b"h"), ("4", b"hell"), ("5", b"hello")])
def test_a_body_is_cut_to_the_length_that_the_function_claims(pod: Pod, length: str, body: bytes) -> None:
    response = pod.client.post("/claims", params={"length": length}, content=b"hello")
    assert (response.status_code, response.content) == (200, body)


@pytest.mark.parametrize("target", ["/claims?length=6", "/text-body", "/raw/unfinished"])
def test_an_answer_that_is_not_whole_ends_the_connection(pod: Pod, target: str) -> None:
    assert exchange(pod, head(target, "host: x")) == b""
    assert pod.get("/hello").status_code == 200


def test_what_was_written_before_an_exception_is_the_answer(pod: Pod) -> None:
    response = pod.get("/raw/broken")
    assert (response.status_code, response.content) == (200, b"start")


@pytest.mark.parametrize("action", ["early", "silent", "failing"])
def test_no_answer_is_an_empty_500(pod: Pod, action: str) -> None:
    response = pod.get(f"/raw/{action}")
    assert (response.status_code, response.content) == (500, b"")


def test_a_status_without_a_name_and_a_value_between_spaces_pass(pod: Pod) -> None:
    response = pod.get("/raw/strange")
    assert (response.status_code, response.headers["x-a"]) == (799, "v")


@pytest.mark.parametrize("code", [204, 304])
def test_an_answer_without_a_body_keeps_its_length(pod: Pod, code: int) -> None:
    response = pod.get("/answer", status=code, name="content-length", value="7")
    assert (response.status_code, response.headers["content-length"], response.content) == (code, "7", b"")


@pytest.mark.parametrize("claimed", ["3", "700"])
def test_a_head_request_keeps_the_length_that_the_function_claims(pod: Pod, claimed: str) -> None:
    response = pod.client.head("/claims", params={"length": claimed})
    assert (response.status_code, response.headers["content-length"]) == (200, claimed)


@pytest.mark.parametrize("length", ["abc", "9" * 5000])
@pytest.mark.parametrize("code", [200, 204])
def test_a_length_that_is_no_number_is_an_error(pod: Pod, code: int, length: str) -> None:
    response = pod.get("/answer", status=code, name="content-length", value=length)
    assert (response.status_code, response.content) == (500, b"")


@pytest.mark.parametrize(
    ("request_head", "expected"),
    [
        (head("/hello"), 0),
        (b"GET /hello HTTP/1.0\r\n\r\n", 0),
        (head("/.well-known/spin/health", "host: x"), 200),
        (head("*", "host: x", method="OPTIONS"), 500),
        (head("/hello", "host: x", "x-a: \xff"), 500),
        (head("/hello", "host: x", "x-a: \xc3\xbc"), 200),
        (head("/hello", "host: x", *(f"x-{number}: 1" for number in range(98))), 200),
        (head("/hello", "host: x", *(f"x-{number}: 1" for number in range(99))), 431),
        (head("/hello", "host: x", f"x-a: {'a' * 200_000}"), 200),
        (head(f"/hello?{'a' * 65_527}", "host: x"), 200),
        (head(f"/hello?{'a' * 65_528}", "host: x"), 414),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else str(value),
)
def test_requests_that_no_function_sees(pod: Pod, request_head: bytes, expected: int) -> None:
    answer = exchange(pod, request_head)
    # HTTP/1.1 without a Host is a 400 of the server itself, where Spin says nothing.
    assert status(answer) in ({0, 400} if expected == 0 else {expected})


def test_the_methods_name_keeps_its_case(pod: Pod) -> None:
    assert b"x-method: get" in exchange(pod, head("/echo", "host: x", method="get"))


def test_a_callers_own_spin_headers_stand_before_spins(pod: Pod) -> None:
    seen = httpx.get(f"{pod.url}/users/7/headers", headers={"spin-path-match-id": "8", "spin-x": "mine"}).json()
    assert (seen["spin-path-match-id"], seen["spin-x"]) == ("7", "mine")


@pytest.mark.parametrize(("url", "matched"), [("/users/7/headers", "/users/:id/..."), ("/headers", "/...")])
def test_the_matched_route(pod: Pod, url: str, matched: str) -> None:
    assert pod.get(url).json()["spin-matched-route"] == matched


def test_recursion_has_the_stack_that_real_code_needs(pod: Pod) -> None:
    assert pod.get("/deep", depth=35).text == "35"


def test_a_value_that_is_too_large_for_one_call_is_explained(pod: Pod) -> None:
    assert pod.get("/large-value", bytes=2_700_000).text == "2700000"
    assert pod.get("/large-value", bytes=2_800_000).status_code == 500
    reason = "GET /large-value: the function crashed: it passed more than 2.7 MB in one call"
    wait_for(pod.errors, reason)
