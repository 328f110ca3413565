"""``allowed_outbound_hosts``: what an entry means, and which entries Spin refuses.

An entry is ``scheme://host[:port]``. Source: spin v3.6.3, crates/outbound-networking-config/src/allowed_hosts.rs; names
of hosts as the crate ``url`` 2.5 parses them (https://url.spec.whatwg.org/#host-parsing). Texts of errors are Spin's.
Stricter than Spin in two places: a port has no sign, and a name outside ASCII must be valid in IDNA 2003.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import unquote

from builder.source import templates

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

USUAL_PORTS: Final = {"http": 80, "https": 443, "redis": 6379, "postgres": 5432, "mysql": 3306, "mqtt": 1883}
CHAINING_SUFFIX: Final = ".spin.internal"
_LEARN: Final = "\nLearn more: https://spinframework.dev/v3/http-outbound#granting-http-permissions-to-components"
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f#%/:<>?@\[\\\]^|]")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_PREFIX_LENGTH: Final = re.compile(r"[0-9]{1,3}")
_HIGHEST_PORT: Final = 65535


class HostError(ValueError):
    """An entry is malformed. ``reasons`` go from the outermost to the cause, as Spin chains them."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(": ".join(reasons))
        self.reasons = reasons


class HostKind(Enum):
    """What the host part of an entry stands for."""

    ANY = "any"
    TO_SELF = "self"
    SUBDOMAINS = "subdomains"
    NETWORK = "network"
    LITERAL = "literal"


@dataclass(frozen=True, slots=True)
class AllowedHost:
    """One entry, parsed."""

    scheme: str | None
    """None: any."""
    kind: HostKind
    host: str | Address | Network | None
    """The suffix with its dot of SUBDOMAINS, the range of NETWORK, name or address of LITERAL."""
    ports: range | None
    """None: any."""

    @property
    def needs_service_chaining(self) -> bool:
        """Whether the entry names components of the app, ``http://other.spin.internal``."""
        if self.kind is HostKind.SUBDOMAINS:
            return self.host == CHAINING_SUFFIX
        return self.kind is HostKind.LITERAL and isinstance(self.host, str) and self.host.endswith(CHAINING_SUFFIX)


def parse(entry: str) -> AllowedHost:
    """Parse one entry that holds no template.

    Raises
    ------
    HostError
        Spin would refuse it.
    """
    url = entry.strip()
    scheme, separator, rest = url.partition("://")
    if not separator:
        if url in {"*", ":", "", "?"}:
            raise HostError(
                f'"{url}" is not an allowed outbound host format.\nHosts must be in the form '
                "<scheme>://<host>[:<port>], with '*' wildcards allowed for each.\nIf you intended to allow all "
                "outbound networking, you can use '*://*:*' - this will obviate all network sandboxing." + _LEARN
            )
        raise HostError(f"\"{url}\" does not contain a scheme (e.g., 'http://' or '*://'){_LEARN}")
    host, colon, port = rest.rpartition(":")
    if not colon:
        host, port = rest, ""
    port, _, path = port.partition("/")
    if path:
        raise HostError(f'"{url}" has a path but is not allowed to')
    ports = _ports(port, scheme)
    _check_scheme(scheme)
    kind, value = _host(host)
    return AllowedHost(None if scheme == "*" else scheme, kind, value, ports)


def check(entries: Sequence[str], defaults: Mapping[str, str | None]) -> None:
    """Check a component's entries as a push does.

    Parameters
    ----------
    entries
        As written.
    defaults
        The app's variables with their default values; None for a required one.

    Raises
    ------
    HostError, builder.source.templates.TemplateError
        The first entry that Spin refuses. A template is filled in with the defaults where every variable has one.
    """
    if list(entries) == ["insecure:allow-all"]:
        raise HostError(
            "'insecure:allow-all' is not allowed - use '*://*:*' instead if you really want to allow all outbound "
            "traffic'"
        )
    parsed = [(entry, templates.parse(entry)) for entry in entries]
    for entry, template in parsed:
        if template.is_literal:
            parse(entry)
    for _, template in parsed:
        _check_filled_in(template, defaults)


def _check_filled_in(template: templates.Template, defaults: Mapping[str, str | None]) -> None:
    names = {part.text for part in template.parts if part.is_variable}
    values = {name: default for name in names if (default := defaults.get(name)) is not None}
    if not names or len(values) < len(names):
        return
    filled_in = template.render(values.__getitem__)
    try:
        parse(filled_in)
    except HostError as error:
        raise HostError(
            f'using default variable value(s) with template "{template}" results in invalid config "{filled_in}"',
            *error.reasons,
        ) from None


def needs_service_chaining(entries: Sequence[str]) -> bool:
    """Whether an entry names components of the app, ``http://other.spin.internal``; templates count as written."""
    for entry in entries:
        with suppress(HostError):
            if parse(entry).needs_service_chaining:
                return True
    return False


def host_name(text: str) -> str | Address:
    """Parse a host as it stands in a URL: an address, or a name in its normal form.

    Raises
    ------
    HostError
        It is neither.
    """
    if text.startswith("["):
        try:
            return ipaddress.IPv6Address(text[1:-1] if text.endswith("]") and "%" not in text else "")
        except ValueError:
            raise HostError("invalid IPv6 address") from None
    name = unquote(text)
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise HostError("invalid international domain name") from None
    name = name.lower()
    if not name:
        raise HostError("empty host")
    if _FORBIDDEN.search(name):
        raise HostError("invalid domain character")
    last = name.removesuffix(".").rpartition(".")[2]
    return _ipv4(name) if _NUMBER.fullmatch(last) else name


def _ports(port: str, scheme: str) -> range | None:
    where = f'Invalid allowed host port "{port}"'
    if not port:
        usual = USUAL_PORTS.get(scheme)
        if usual is None:
            reason = f'no port was provided and the scheme "{scheme}" does not have a known default port number'
            raise HostError(where, reason)
        return range(usual, usual + 1)
    if port == "*":
        return None
    if port.startswith("{"):
        raise HostError(where, "port lists are not yet supported")
    first, dots, end = port.partition("..")
    if dots:
        if not (_is_port(first) and _is_port(end)):
            raise HostError(where, f'port range "{port}" contains non-number')
        return range(int(first), int(end))
    if not _is_port(port):
        raise HostError(where, f'port "{port}" is not a number')
    return range(int(port), int(port) + 1)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= _HIGHEST_PORT


def _check_scheme(scheme: str) -> None:
    where = f'Invalid allowed host scheme "{scheme}"'
    if scheme.startswith("{"):
        raise HostError(where, "scheme lists are not supported")
    if scheme not in {"", "*"} and not scheme.isalpha():
        raise HostError(where, "only alphabetic characters are allowed")


def _host(written: str) -> tuple[HostKind, str | Address | Network | None]:
    where = f'Invalid allowed host "{written}"'
    host = written.strip()
    if host == "*":
        return HostKind.ANY, None
    if host in {"self", "self.alt"}:
        return HostKind.TO_SELF, None
    if host.startswith("{"):
        raise HostError(where, "host lists are not yet supported")
    if (network := _network(host)) is not None:
        return HostKind.NETWORK, network
    host = host.rstrip("/")
    if "/" in host:
        raise HostError(where, "must not include a path")
    if host.startswith("*."):
        if "*" in host[2:]:
            raise HostError(where, "wildcards are allowed only as prefixes")
        return HostKind.SUBDOMAINS, host[1:]
    if "*" in host:
        raise HostError(where, "wildcards are allowed only as subdomains")
    try:
        return HostKind.LITERAL, host_name(host)
    except HostError as error:
        raise HostError(where, *error.reasons) from None


def _network(host: str) -> Network | None:
    _, slash, length = host.partition("/")
    if not slash or not _PREFIX_LENGTH.fullmatch(length):
        return None
    try:
        return ipaddress.ip_network(host, strict=False)
    except ValueError:
        return None


def _ipv4(name: str) -> Address:
    """Read an IPv4 address with one to four numbers, each decimal, octal or hexadecimal."""
    *first, last = parts = name.removesuffix(".").split(".")
    try:
        numbers = [_number(part) for part in parts]
        if len(parts) > 4 or any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (4 - len(first)):
            raise ValueError(last)
        return ipaddress.IPv4Address(
            numbers[-1] + sum(number << (8 * (3 - place)) for place, number in enumerate(numbers[:-1]))
        )
    except ValueError:
        raise HostError("invalid IPv4 address") from None


def _number(text: str) -> int:
    if text.startswith(("0x", "0X")):
        return int(text[2:] or "0", 16)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text, 8 if text.startswith("0") and len(text) > 1 else 10)
