"""Which URLs a component may call, by its ``allowed_outbound_hosts``.

How an entry is read is `builder.source.outbound_hosts`; here is what it covers (spin v3.6.3,
`AllowedHostConfig::allows`).
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from builder.source.outbound_hosts import (
    CHAINING_SUFFIX,
    USUAL_PORTS,
    Address,
    AllowedHost,
    HostError,
    HostKind,
    host_name,
    parse,
)


class AllowedHosts:
    """A component's entries together."""

    def __init__(self, entries: Iterable[str], components: Iterable[str] = ()) -> None:
        """``components`` of the app are all that ``*.spin.internal`` stands for.

        Raises
        ------
        HostError
            An entry is malformed.
        """
        self._entries = [parse(entry) for entry in entries]
        self._components = frozenset(f"{name}{CHAINING_SUFFIX}" for name in components)

    def allows(self, url: str) -> bool:
        """Whether an absolute URL may be called."""
        try:
            parts = urlsplit(url)
            written, port = parts.hostname, parts.port
            host = host_name(f"[{written}]" if written and ":" in written else written or "")
        except (ValueError, HostError):
            return False
        return any(self._covers(entry, parts.scheme, host, port) for entry in self._entries)

    def names(self, host: str, port: int) -> bool:
        """Whether an entry says exactly this host and this port, and not by a pattern or a range that covers it."""
        return any(
            entry.kind is HostKind.LITERAL and str(entry.host) == host and entry.ports == range(port, port + 1)
            for entry in self._entries
        )

    def allows_self(self) -> bool:
        """Whether the app itself may be called."""
        return any(
            entry.kind in (HostKind.ANY, HostKind.TO_SELF) and entry.scheme in (None, "http", "https")
            for entry in self._entries
        )

    def _covers(self, entry: AllowedHost, scheme: str, host: str | Address, port: int | None) -> bool:
        if entry.scheme not in (None, scheme):
            return False
        port = port if port is not None else USUAL_PORTS.get(scheme)
        if entry.ports is not None and port not in entry.ports:
            return False
        if entry.kind is HostKind.SUBDOMAINS and entry.host == CHAINING_SUFFIX:
            return host in self._components
        return _covers_host(entry, host)


def _covers_host(entry: AllowedHost, host: str | Address) -> bool:
    match entry.kind:
        case HostKind.ANY:
            return True
        case HostKind.SUBDOMAINS:
            return isinstance(host, str) and host.endswith(str(entry.host))
        case HostKind.LITERAL:
            return host == entry.host
        case HostKind.NETWORK:
            network = entry.host
            return (
                isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
                and not isinstance(host, str)
                and host in network
            )
        case HostKind.TO_SELF:
            return False
