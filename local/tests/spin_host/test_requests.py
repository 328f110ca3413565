"""What goes into a function over HTTP and what comes out."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.tests.spin_host.pods import Pod


def test_hello(pod: Pod) -> None:
    response = pod.get("/hello", name="Spin & 한글")
    assert (response.status_code, response.text) == (200, "hello Spin & 한글")
    assert response.headers["content-type"] == "text/plain"
    assert "server" not in response.headers


def test_the_host_answers_the_well_known_paths(pod: Pod) -> None:
    health = pod.get("/.well-known/spin/health")
    assert (health.status_code, health.text) == (200, "OK")
    assert pod.get("/.well-known/spin/info").json() == {"name": "sample", "version": "1.2.3"}
    assert pod.get("/.well-known/spin/hello").status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"])
def test_method_path_query_and_body_arrive_as_sent(pod: Pod, method: str) -> None:
    body = bytes(range(256)) * 5000
    response = pod.client.request(method, "/a%20b//echo?x=1&y=%2F", content=body)
    assert response.status_code == 201
    assert response.headers["x-method"] == method
    assert response.headers["x-uri"] == "/a%20b//echo?x=1&y=%2F"
    assert response.content == body


def test_head_has_headers_and_no_body(pod: Pod) -> None:
    response = pod.client.head("/hello")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len("hello world"))


def test_a_streamed_body_is_read_whole(pod: Pod) -> None:
    response = pod.client.post("/echo", content=(chunk for chunk in [b"one ", b"two ", b"three"]))
    assert response.content == b"one two three"


def test_headers_and_what_spin_adds(pod: Pod) -> None:
    seen = pod.client.get("/users/42/x/headers?q=1", headers={"X-Mine": "yes", "Connection": "keep-alive"}).json()
    assert seen["x-mine"] == "yes"
    assert "host" not in seen
    assert "connection" not in seen
    assert seen["spin-path-info"] == "/x/headers"
    assert seen["spin-full-url"] == f"{pod.url}/users/42/x/headers?q=1"
    assert seen["spin-matched-route"] == seen["spin-raw-component-route"] == "/users/:id/..."
    assert seen["spin-component-route"] == "/users/:id"
    assert seen["spin-base-path"] == "/"
    assert seen["spin-path-match-id"] == "42"
    assert seen["spin-client-addr"].startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["spin-client-addr", "X-Forwarded-For"])
def test_a_caller_cannot_forge_what_spin_adds(pod: Pod, name: str) -> None:
    seen = pod.client.get("/headers", headers={name: "10.0.0.1:1"}).json()
    assert seen["spin-client-addr"].startswith("127.0.0.1:")
    assert not seen["spin-client-addr"].endswith(":0")


@pytest.mark.parametrize(("status", "body"), [(204, b""), (304, b""), (500, b""), (299, b"")])
def test_statuses(pod: Pod, status: int, body: bytes) -> None:
    response = pod.get("/answer", status=status)
    assert (response.status_code, response.content) == (status, body)


def test_a_header_that_would_split_the_response_is_refused(pod: Pod) -> None:
    response = pod.get("/answer", status=200, name="x-a", value="1\r\nx-b: 2")
    assert response.status_code == 500
    assert "x-b" not in response.headers


def test_routes_without_a_function(pod: Pod) -> None:
    tea = pod.get("/static")
    assert (tea.status_code, tea.text) == (418, "tea")


def test_the_longest_allowed_body_passes_and_one_more_byte_does_not(pod: Pod) -> None:
    limit = 10 * 1024 * 1024
    assert pod.client.post("/hello", content=bytes(limit)).status_code == 200
    refused = httpx.post(f"{pod.url}/hello", content=bytes(limit + 1))
    assert refused.status_code == 413
    assert str(limit) in refused.text


def test_a_body_of_unknown_length_is_limited_too(pod: Pod) -> None:
    chunks = (bytes(1024 * 1024) for _ in range(11))
    assert httpx.post(f"{pod.url}/hello", content=chunks).status_code == 413


def test_requests_run_side_by_side(pod: Pod) -> None:
    def ask(number: int) -> str:
        return httpx.get(f"{pod.url}/hello", params={"name": str(number)}).text

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(40)))
    assert answers == [f"hello {number}" for number in range(40)]


def test_a_sleeping_request_does_not_hold_up_another(pod: Pod) -> None:
    with ThreadPoolExecutor(1) as threads:
        sleeping = threads.submit(httpx.get, f"{pod.url}/sleep?seconds=1")
        assert pod.get("/hello").status_code == 200
        assert not sleeping.done()
        assert sleeping.result().text == "slept"
