"""A component's HTTP client, which cannot get at the machine that it runs on.

In a cluster a pod's 127.0.0.1 is its own. Here all pods have one machine's, with everything that listens there: the AWS
APIs, the Kubernetes API, a developer's database. So every address is looked at after its name was resolved, just
before the connection is made; a name that means another address the next time is looked at again.
"""

import ipaddress
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from local.spin_host.messages import HttpRequest, HttpResponse

if TYPE_CHECKING:
    import httpcore

ANSWER_BYTES: Final = 64 << 20
"""Longest answer that is read for a guest."""

_CONNECTIONS: Final = 100
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_DISCARD_PORT: Final = 9

MayReach = Callable[[str, int], bool]
"""Whether a port of this machine may be reached, under this name or address."""


class OutboundFailure(Exception):  # noqa: N818  # a value that becomes a WIT error
    """The request got no answer. ``code`` is a case of WIT's ``error-code``."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail


class Network:
    """One component's connections: kept apart from those of others, which may be allowed more."""

    def __init__(self, may_reach: MayReach) -> None:
        self._may_reach = may_reach

    @cached_property
    def _pool(self) -> "httpcore.ConnectionPool":
        # Imported at the first use: most functions send nothing, and it would slow down every pod's start.
        import httpcore
        import httpx

        class Backend(httpcore.SyncBackend):
            """Resolves names itself, and connects to addresses."""

            may_reach = staticmethod(self._may_reach)

            def connect_tcp(
                self, host: str, port: int, timeout: float | None = None, *_: Any, **options: Any
            ) -> httpcore.NetworkStream:
                failure: Exception = httpcore.ConnectError("No address associated with hostname")
                for address in _reachable(host, port, self.may_reach):
                    try:
                        return super().connect_tcp(address, port, timeout, **options)
                    except httpcore.ConnectError as error:
                        failure = error
                raise failure

        return httpcore.ConnectionPool(
            httpx.create_ssl_context(trust_env=False), max_connections=_CONNECTIONS, network_backend=Backend()
        )

    def send(self, host: str, port: int, request: HttpRequest, seconds: float) -> HttpResponse:
        """Send ``request`` by its scheme and read the whole answer.

        Raises
        ------
        OutboundFailure
            No answer within ``seconds``, or none at all.
        """
        import httpcore

        end = time.monotonic() + seconds
        target = quote(request.target.partition("#")[0], safe=_PRINTABLE)
        headers = [(b"host", request.authority.encode()), *((name.encode(), value) for name, value in request.headers)]
        url = httpcore.URL(scheme=request.scheme, host=host, port=port, target=target)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        try:
            with self._pool.stream(
                request.method, url, headers=headers, content=request.body or None, extensions={"timeout": timeouts}
            ) as response:
                body = _read(response.iter_stream(), end)
        except httpcore.ConnectTimeout:
            raise OutboundFailure("connection-timeout") from None
        except httpcore.TimeoutException:
            raise OutboundFailure("HTTP-response-timeout") from None
        except httpcore.ConnectError as error:
            raise OutboundFailure(_connect_code(error)) from None
        except httpcore.NetworkError:
            raise OutboundFailure("connection-terminated") from None
        except httpcore.ProtocolError:
            raise OutboundFailure("HTTP-protocol-error") from None
        raw = [(name.decode("latin-1").lower(), value) for name, value in response.headers]
        return HttpResponse(response.status, raw, body)


def _read(chunks: Iterable[bytes], end: float) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise OutboundFailure("HTTP-response-body-size")
        if time.monotonic() > end:
            raise OutboundFailure("HTTP-response-timeout")
    return bytes(body)


def _reachable(host: str, port: int, may_reach: MayReach) -> list[str]:
    """List the addresses of a host that may be connected to.

    Raises
    ------
    OutboundFailure
        There is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutboundFailure("DNS-error") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if may_reach(host, port):
        return addresses
    allowed = [address for address in addresses if not is_of_this_machine(address)]
    if not allowed:
        print(
            f"{host}:{port} is this machine, which functions do not reach. Where it is meant to be: name this host "
            f"and port in allowed_outbound_hosts, and start the cloud with LOCAL_PORTS={port} make local",
            file=sys.stderr,
            flush=True,
        )
        raise OutboundFailure("connection-refused")  # what a pod's own 127.0.0.1 says
    return allowed


def is_of_this_machine(address: str) -> bool:
    """Whether an address is this machine's, or of what only its own link has (link-local: metadata of cloud machines).

    >>> is_of_this_machine("127.0.0.2"), is_of_this_machine("::ffff:127.0.0.1"), is_of_this_machine("169.254.169.254")
    (True, True, True)
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(parsed, "ipv4_mapped", None) or parsed
    if ip.is_loopback or ip.is_unspecified or ip.is_link_local:
        return True
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(ip), _DISCARD_PORT))  # sends nothing; the kernel chooses where it would send from
        except OSError:
            return False
        return bool(probe.getsockname()[0] == str(ip))


def _connect_code(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "TLS-certificate-error"
        if isinstance(cause, ssl.SSLError):
            return "TLS-protocol-error"
        cause = cause.__cause__ or cause.__context__
    return "connection-refused"
