"""Spin's rules for ``allowed_outbound_hosts``."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.spin_host.outbound_hosts import AllowedHosts


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("https://example.com", "https://example.com/path?q", True),
        ("https://example.com", "https://EXAMPLE.com", True),
        ("https://example.com", "https://example.com:443", True),
        ("https://example.com", "https://example.com:444", False),
        ("https://example.com", "http://example.com", False),
        ("https://example.com", "https://example.com.evil.org", False),
        ("https://example.com", "https://example.com@evil.org", False),
        ("https://example.com/", "https://example.com", True),
        ("https://example.com:8443", "https://example.com:8443", True),
        ("http://example.com:8000..8002", "http://example.com:7999", False),
        ("http://example.com:8000..8002", "http://example.com:8000", True),
        ("http://example.com:8000..8002", "http://example.com:8001", True),
        ("http://example.com:8000..8002", "http://example.com:8002", False),
        ("*://example.com:*", "http://example.com:1", True),
        ("http://*.example.com", "http://a.example.com", True),
        ("http://*.example.com", "http://a.b.example.com", True),
        ("http://*.example.com", "http://example.com", False),
        ("http://*.example.com", "http://aexample.com", False),
        ("http://*:*", "http://anything:9", True),
        ("http://10.0.0.0/8:*", "http://10.1.2.3:9", True),
        ("http://10.0.0.0/8:*", "http://11.1.2.3:9", False),
        ("http://10.0.0.0/8:*", "http://ten.example:9", False),
        ("http://[::1]:80", "http://[::1]", True),
        ("http://[::1]:80", "http://[0:0::1]", True),
        ("http://1.2.3.4", "http://1.2.3.4", True),
        ("http://0x7f.1", "http://127.0.0.1", True),
        ("http://*.Example.com", "http://a.example.com", False),
        ("http://self", "http://self", False),
    ],
)
def test_which_urls_an_entry_covers(entry: str, url: str, allowed: bool) -> None:
    assert AllowedHosts([entry]).allows(url) is allowed


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [("http://self", True), ("https://self.alt", True), ("*://*:*", True), ("http://example.com", False)],
)
def test_requests_to_the_app_itself(entry: str, allowed: bool) -> None:
    assert AllowedHosts([entry]).allows_self() is allowed


@pytest.mark.parametrize(
    ("entry", "last"), [("http://example.com:65535", 65535), ("http://example.com:1..65535", 65534)]
)
def test_the_last_port(entry: str, last: int) -> None:
    assert AllowedHosts([entry]).allows(f"http://example.com:{last}")


def test_nothing_is_allowed_without_entries() -> None:
    assert not AllowedHosts([]).allows("http://example.com")
    assert not AllowedHosts([]).allows_self()


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_as_a_url_is_answered(url: str) -> None:
    assert AllowedHosts(["https://example.com"]).allows(url) in (True, False)
