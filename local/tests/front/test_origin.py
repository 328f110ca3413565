"""Who the front lets in, by Host, Origin and what browsers say of a request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from local.front.origin import refusal

HOSTS = ["127.0.0.1:8000", "127.0.0.1", "localhost:9000", "LOCALHOST", "[::1]:8000"]
_NAME = st.from_regex(r"[a-z0-9.:\[\]-]{0,30}", fullmatch=True)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_programs_come_in(host: str, method: str) -> None:
    assert refusal(method, Headers({"host": host})) is None


@pytest.mark.parametrize("host", HOSTS)
def test_pages_of_its_own_come_in(host: str) -> None:
    headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    assert refusal("POST", Headers(headers)) is None


@given(_NAME.filter(lambda host: host.partition(":")[0] not in ("127.0.0.1", "localhost") and "::1" not in host))
def test_no_other_name_is_served(host: str) -> None:
    assert refusal("GET", Headers({"host": host, "origin": f"http://{host}"}))


@pytest.mark.parametrize("host", ["127.0.0.1.evil.example", "localhost.evil.example:8000", "127.0.0.1:8000@evil", ""])
def test_names_that_begin_like_one_of_its_own(host: str) -> None:
    assert refusal("GET", Headers({"host": host}))


@pytest.mark.parametrize("host", HOSTS)
@given(st.one_of(_NAME.map("http://{}".format), _NAME.map("https://{}".format), st.just("null"), st.just("")))
def test_no_other_origin_comes_in(host: str, origin: str) -> None:
    expected = origin == f"http://{host.lower()}"
    assert (refusal("POST", Headers({"host": host, "origin": origin})) is None) is expected


@pytest.mark.parametrize(
    ("method", "mode", "dest", "comes_in"),
    [
        ("GET", "navigate", "document", True),
        ("GET", "navigate", "iframe", False),
        ("GET", "no-cors", "image", False),
        ("POST", "navigate", "document", False),
    ],
)
def test_a_link_on_a_page_elsewhere(method: str, mode: str, dest: str, comes_in: bool) -> None:
    headers = {"host": HOSTS[0], "sec-fetch-site": "cross-site", "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    assert (refusal(method, Headers(headers)) is None) is comes_in
