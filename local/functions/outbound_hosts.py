"""``allowed_outbound_hosts``: which URLs a component may call, by Spin's rules.

An entry is ``scheme://host[:port]``: scheme ``*`` or letters; host ``*``, ``self``, ``*.domain``, an address range such
as ``10.0.0.0/8``, or a name; port a number, a range ``a..b`` (end exclusive), ``*``, or left out where the scheme has a
usual one (spin 3.6, crates/outbound-networking-config/src/allowed_hosts.rs).
"""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_USUAL_PORTS: Final = {"http": 80, "https": 443, "redis": 6379, "postgres": 5432, "mysql": 3306, "mqtt": 1883}

HostTest = Callable[[str], bool]


class AllowedHostError(ValueError):
    """An entry of ``allowed_outbound_hosts`` is malformed."""


@dataclass(frozen=True)
class AllowedHost:
    """One entry, parsed."""

    scheme: str | None
    """None: any."""
    host: HostTest
    ports: range | None
    """None: any."""
    to_self: bool
    """Whether requests to the app itself are covered."""

    def allows(self, scheme: str, host: str, port: int | None) -> bool:
        """Whether this entry covers a URL of these parts."""
        if self.scheme is not None and self.scheme != scheme:
            return False
        port = port if port is not None else _USUAL_PORTS.get(scheme)
        return self.host(host) and (self.ports is None or (port is not None and port in self.ports))


class AllowedHosts:
    """A component's entries together."""

    def __init__(self, entries: Iterable[str]) -> None:
        """Raises `AllowedHostError` for a malformed entry."""
        self._entries = [parse(entry) for entry in entries]

    def allows(self, url: str) -> bool:
        """Whether an absolute URL may be called."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return False
        return bool(host) and any(entry.allows(parts.scheme, host or "", port) for entry in self._entries)

    def allows_self(self) -> bool:
        """Whether the app itself may be called."""
        return any(entry.to_self and entry.scheme in (None, "http", "https") for entry in self._entries)


def parse(entry: str) -> AllowedHost:
    """Parse one entry.

    Raises:
        AllowedHostError: it is not of the form above; the message quotes the entry.
    """
    scheme, separator, rest = entry.strip().partition("://")
    if not separator:
        raise AllowedHostError(f"{entry!r} names no scheme: write http://host, https://host or *://host")
    if scheme != "*" and not scheme.isalpha():
        raise AllowedHostError(f"{entry!r}: scheme {scheme!r} must be letters or '*'")
    host, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        host, port = rest, ""
    port, _, path = port.partition("/")
    if path:
        raise AllowedHostError(f"{entry!r} has a path; only scheme, host and port can be allowed")
    return AllowedHost(
        scheme=None if scheme == "*" else scheme,
        host=_host_test(entry, host.strip()),
        ports=_ports(entry, port, scheme),
        to_self=host.strip() in ("*", "self", _SELF_ALT),
    )


_SELF_ALT: Final = "self.alt"


def _host_test(entry: str, host: str) -> HostTest:
    if host == "*":
        return lambda _name: True
    if host in ("self", _SELF_ALT):
        return lambda _name: False
    try:
        network = ipaddress.ip_network(host.strip("[]"), strict=False)
    except ValueError:
        pass
    else:
        return lambda name: _inside(network, name)
    name, _, path = host.partition("/")
    if path.strip("/"):
        raise AllowedHostError(f"{entry!r} has a path; only scheme, host and port can be allowed")
    if name.startswith("{"):
        raise AllowedHostError(f"{entry!r}: lists of hosts are not supported; write one entry per host")
    domain = name.removeprefix("*.") if name.startswith("*.") else None
    if "*" in (name if domain is None else domain):
        raise AllowedHostError(f"{entry!r}: '*' may only stand for the whole host or its first part, '*.domain'")
    if not name:
        raise AllowedHostError(f"{entry!r} names no host")
    if domain is not None:
        return lambda wanted: wanted.endswith(f".{domain.lower()}")
    return lambda wanted: wanted == name.lower()


def _inside(network: ipaddress.IPv4Network | ipaddress.IPv6Network, name: str) -> bool:
    try:
        return ipaddress.ip_address(name) in network
    except ValueError:
        return False


def _ports(entry: str, port: str, scheme: str) -> range | None:
    if port == "*":
        return None
    if not port:
        usual = _USUAL_PORTS.get(scheme)
        if usual is None:
            raise AllowedHostError(f"{entry!r} names no port, and scheme {scheme!r} has no usual one: add ':*'")
        return range(usual, usual + 1)
    first, dots, end = port.partition("..")
    if not first.isascii() or not first.isdigit() or (dots and not (end.isascii() and end.isdigit())):
        raise AllowedHostError(f"{entry!r}: port {port!r} must be a number, a range a..b, or '*'")
    numbers = range(int(first), int(end) if dots else int(first) + 1)
    if int(first) > 65535 or numbers.stop > 65536:
        raise AllowedHostError(f"{entry!r}: port {port!r} is past 65535")
    return numbers
