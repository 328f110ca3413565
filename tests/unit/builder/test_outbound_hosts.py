"""``allowed_outbound_hosts``: which entries Spin takes. Cases of its own tests are marked by their names there."""

import contextlib
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from builder.source.outbound_hosts import AllowedHost, HostError, HostKind, check, needs_service_chaining, parse
from builder.source.templates import TemplateError
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("entry", "parsed"),
    [
        ("http://spin.fermyon.dev", AllowedHost("http", HostKind.LITERAL, "spin.fermyon.dev", range(80, 81))),
        ("http://spin.fermyon.dev/", AllowedHost("http", HostKind.LITERAL, "spin.fermyon.dev", range(80, 81))),
        ("https://Spin.dev:4444/", AllowedHost("https", HostKind.LITERAL, "spin.dev", range(4444, 4445))),
        ("http://x:4444..5555", AllowedHost("http", HostKind.LITERAL, "x", range(4444, 5555))),
        ("*://x:7777", AllowedHost(None, HostKind.LITERAL, "x", range(7777, 7778))),
        ("http://self", AllowedHost("http", HostKind.TO_SELF, None, range(80, 81))),
        ("http://*.example.com", AllowedHost("http", HostKind.SUBDOMAINS, ".example.com", range(80, 81))),
        (
            "http://192.168.1.1:3002",
            AllowedHost("http", HostKind.LITERAL, IPv4Address("192.168.1.1"), range(3002, 3003)),
        ),
        ("http://[::1]:8001", AllowedHost("http", HostKind.LITERAL, IPv6Address("::1"), range(8001, 8002))),
        ("*://127.0.0.0/24:80", AllowedHost(None, HostKind.NETWORK, ip_network("127.0.0.0/24"), range(80, 81))),
        ("*://ff00::/8:80", AllowedHost(None, HostKind.NETWORK, ip_network("ff00::/8"), range(80, 81))),
        ("*://*:*", AllowedHost(None, HostKind.ANY, None, None)),
        ("://x:80", AllowedHost("", HostKind.LITERAL, "x", range(80, 81))),
        ("http://1.2.3", AllowedHost("http", HostKind.LITERAL, IPv4Address("1.2.0.3"), range(80, 81))),
        ("http://%61.b", AllowedHost("http", HostKind.LITERAL, "a.b", range(80, 81))),
        ("http://b\u00fccher.example", AllowedHost("http", HostKind.LITERAL, "xn--bcher-kva.example", range(80, 81))),
    ],
)
def test_entries_that_pass(entry: str, parsed: AllowedHost) -> None:
    assert parse(entry) == parsed


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("", "is not an allowed outbound host format"),
        ("*", "is not an allowed outbound host format"),
        ("localhost:3001", "does not contain a scheme"),
        ("spin.fermyon.dev:80", "does not contain a scheme"),
        ("http://[::1]", "port"),
        ("*://127.0.0.0/24", "does not have a known default port number"),
        ("http://spin.fermyon.dev/a", "must not include a path"),
        ("http://spin.fermyon.dev:6666/a/b", "has a path but is not allowed to"),
        ("http://*.fermyon.dev/a", "must not include a path"),
        ("ht_tp://example.com:80", "only alphabetic characters"),
        ("{http,https}://x:1", "scheme lists are not supported"),
        ("http://{a,b}", "host lists are not yet supported"),
        ("http://x:{1,2}", "port lists are not yet supported"),
        ("http://a.*.com", "wildcards are allowed only as subdomains"),
        ("http://*.*.com", "wildcards are allowed only as prefixes"),
        ("ftp://example.com", "does not have a known default port number"),
        ("http://x:eighty", "is not a number"),
        ("http://x:80..", "contains non-number"),
        ("http://x:65536", "is not a number"),
        ("http://x:1..65536", "contains non-number"),
        ("http://10.0.0.0/255.0.0.0", "must not include a path"),
        ("http://user@x", "invalid domain character"),
        ("http://x?y", "invalid domain character"),
        ("http://", "empty host"),
        ("http://:80", "empty host"),
        ("http://x:80:90", "invalid domain character"),
        ("http://a b", "invalid domain character"),
        ("http://1.2.3.999", "invalid IPv4 address"),
        ("http://a.08", "invalid IPv4 address"),
        ("http://[::g]:80", "invalid IPv6 address"),
    ],
)
def test_entries_that_are_refused(entry: str, reason: str) -> None:
    with pytest.raises(HostError) as refused:
        parse(entry)
    assert reason in str(refused.value)


@pytest.mark.parametrize("entry", ["{{ h }}", "{{ h }}://x:80", "http://x:{{ h }}", "http://{{ h }}/path"])
def test_a_template_is_checked_with_its_defaults(entry: str) -> None:
    with pytest.raises(HostError, match="using default variable value"):
        check([entry], {"h": "a b"})
    check([entry], {"h": None})


def test_templates_that_pass_and_one_without_its_end() -> None:
    check(["http://{{ h }}:{{p}}", "https://{{ required }}"], {"h": "x", "p": "80", "required": None})
    with pytest.raises(TemplateError, match="unmatched"):
        check(["http://}}x{{"], {})


@pytest.mark.parametrize(
    ("entry", "chained"),
    [
        ("http://a.spin.internal", True),
        ("http://*.spin.internal", True),
        ("http://*.a.spin.internal", False),
        ("http://spin.internal", False),
        ("http://{{ a }}.spin.internal", False),
    ],
)
def test_entries_that_name_components(entry: str, chained: bool) -> None:
    assert needs_service_chaining(["http://x", entry]) is chained


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=40))
def test_any_entry_is_either_taken_or_refused(scheme: str, rest: str) -> None:
    with contextlib.suppress(HostError):
        parse(f"{scheme}://{rest}")
