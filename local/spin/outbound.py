"""Check ``allowed_outbound_hosts`` as a push does. Source: crates/outbound-networking-config/src/allowed_hosts.rs."""

from typing import Final

from local.spin.terminal import SpinError, quoted

_DEFAULT_PORTS: Final = frozenset({"http", "https", "redis", "postgres", "mysql", "mqtt"})
_CHAINING_SUFFIX: Final = ".spin.internal"
_LEARN: Final = "\nLearn more: https://spinframework.dev/v3/http-outbound#granting-http-permissions-to-components"
_HIGHEST_PORT: Final = 65535


def check_hosts(hosts: list[str]) -> None:
    """Check every entry; entries with a ``{{ variable }}`` are known only at run time and pass.

    Raises:
        SpinError: the first malformed one, in the real CLI's words.
    """
    if hosts == ["insecure:allow-all"]:
        raise SpinError(
            "'insecure:allow-all' is not allowed - use '*://*:*' instead if you really want to allow all outbound "
            "traffic'"
        )
    for host in hosts:
        if not _is_template(host):
            _split(host)


def needs_service_chaining(hosts: list[str]) -> bool:
    """Whether an entry names another component of the app, ``http://other.spin.internal``."""
    for entry in hosts:
        if _is_template(entry):
            continue
        host = _split(entry)
        if host.endswith(_CHAINING_SUFFIX) and (not host.startswith("*") or host == f"*{_CHAINING_SUFFIX}"):
            return True
    return False


def _is_template(text: str) -> bool:
    opened, closed = text.count("{{"), text.count("}}")
    if opened != closed:
        raise SpinError(f"invalid template: unmatched braces in {quoted(text)}")
    return opened > 0


def _split(entry: str) -> str:
    """Check one literal entry and return its host."""
    url = entry.strip()
    scheme, separator, rest = url.partition("://")
    if not separator:
        if url in ("*", ":", "", "?"):
            raise SpinError(
                f"{quoted(url)} is not an allowed outbound host format.\nHosts must be in the form "
                "<scheme>://<host>[:<port>], with '*' wildcards allowed for each.\nIf you intended to allow all "
                "outbound networking, you can use '*://*:*' - this will obviate all network sandboxing." + _LEARN
            )
        raise SpinError(f"{quoted(url)} does not contain a scheme (e.g., 'http://' or '*://'){_LEARN}")
    host, _, port = rest.rpartition(":") if ":" in rest else (rest, "", "")
    port, _, path = port.partition("/")
    if path:
        raise SpinError(f"{quoted(url)} has a path but is not allowed to")
    _check_scheme(scheme)
    host = _checked_host(host.strip())
    _check_port(port, scheme)
    return host


def _check_scheme(scheme: str) -> None:
    if scheme.startswith("{"):
        raise SpinError("scheme lists are not yet supported")
    if scheme != "*" and scheme and not scheme.isalpha():
        raise SpinError(f" scheme {quoted(scheme)} contains non alphabetic character")


def _checked_host(host: str) -> str:
    if host in ("*", "self", "self.alt"):
        return host
    if host.startswith("{"):
        raise SpinError("host lists are not yet supported")
    if _is_network(host):
        return host
    parts = host.split("/")
    if len(parts) > 1 and parts[1]:
        raise SpinError("hosts must not contain paths")
    if host.startswith("*."):
        if "*" in host[2:]:
            raise SpinError(f"Invalid allowed host {host}: wildcards are allowed only as prefixes")
        return host
    if "*" in host:
        raise SpinError(f"Invalid allowed host {host}: wildcards are allowed only as subdomains")
    return host.rstrip("/")


def _is_network(host: str) -> bool:
    import ipaddress  # here: most apps name no hosts, and every push would pay for it

    try:
        ipaddress.ip_network(host, strict=False)
    except ValueError:
        return False
    return True


def _check_port(port: str, scheme: str) -> None:
    if not port:
        if scheme not in _DEFAULT_PORTS:
            raise SpinError(
                f"no port was provided and the scheme {quoted(scheme)} does not have a known default port number"
            )
    elif port.startswith("{"):
        raise SpinError("port lists are not yet supported")
    elif ".." in port:
        if not all(_is_port(end) for end in port.split("..", 1)):
            raise SpinError(f"port range {quoted(port)} contains non-number")
    elif port != "*" and not _is_port(port):
        raise SpinError(f"port {quoted(port)} is not a number")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= _HIGHEST_PORT
