"""Requests that a component sends: allowed or not, then to a sibling component, to the app itself, or to the network.

Spin's rules (spin 3.6, crates/factor-outbound-http): a request without a host, or to ``self.alt``, goes to the app's
own address; ``<component>.spin.internal`` is handed to that component without the network; every one of these needs an
entry in ``allowed_outbound_hosts``.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from local.spin_host.host.abi import GuestStopped
from local.spin_host.messages import HttpRequest, HttpResponse

if TYPE_CHECKING:
    import httpx

    from local.spin_host.outbound_hosts import AllowedHosts

ANSWER_BYTES: Final = 64 << 20
"""Longest answer that is read for a guest."""

_CHAINED: Final = ".spin.internal"
_SELF: Final = "self.alt"
_NO_SUCH_NAME: Final = ("Name or service", "getaddrinfo", "Temporary failure in name", "No address associated")

Chain = Callable[[str, HttpRequest], HttpResponse | None]
"""Runs a component of the same app by its id; None when there is none of that id."""


class OutboundFailure(Exception):  # noqa: N818  # a value that becomes a WIT error
    """The request got no answer. ``code`` is a case of WIT's ``error-code``."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail


class Network:
    """This process's HTTP client, shared by all components."""

    @cached_property
    def _client(self) -> httpx.Client:
        # Imported at the first use: most functions send nothing, and it would slow down every pod's start.
        import httpx

        return httpx.Client(trust_env=False, follow_redirects=False)

    def send(self, url: str, request: HttpRequest, seconds: float) -> HttpResponse:
        """Send ``request`` to ``url`` and read the whole answer.

        Raises:
            OutboundFailure: no answer within ``seconds``, or none at all.
        """
        import httpx

        end = time.monotonic() + seconds
        headers = [(name.encode(), value) for name, value in request.headers]
        try:
            outgoing = httpx.Request(
                request.method,
                url,
                headers=headers,
                content=request.body or None,
                extensions={"timeout": httpx.Timeout(seconds).as_dict()},
            )
            response = self._client.send(outgoing, stream=True)
            try:
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        raise OutboundFailure("HTTP-response-body-size")
                    if time.monotonic() > end:
                        raise OutboundFailure("HTTP-response-timeout")
            finally:
                response.close()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise OutboundFailure("HTTP-protocol-error") from None
        except httpx.ConnectTimeout:
            raise OutboundFailure("connection-timeout") from None
        except httpx.TimeoutException:
            raise OutboundFailure("HTTP-response-timeout") from None
        except httpx.ConnectError as error:
            raise OutboundFailure(_connect_code(error)) from None
        except httpx.NetworkError:
            raise OutboundFailure("connection-terminated") from None
        except httpx.HTTPError:
            raise OutboundFailure("HTTP-protocol-error") from None
        raw = [(name.decode("latin-1").lower(), value) for name, value in response.headers.raw]
        return HttpResponse(response.status_code, raw, bytes(body))


def _connect_code(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "connection-refused"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "TLS-certificate-error"
        if isinstance(cause, ssl.SSLError):
            return "TLS-protocol-error"
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    return "DNS-error" if any(sign in text for sign in _NO_SUCH_NAME) else "connection-refused"


class Outbound:
    """One component's way out."""

    def __init__(self, allowed: AllowedHosts, network: Network, chain: Chain, own_url: Callable[[], str]) -> None:
        """``own_url`` tells the app's own base URL, known once the server listens."""
        self._allowed = allowed
        self._network = network
        self._chain = chain
        self._own_url = own_url

    def send(self, request: HttpRequest, seconds: float) -> HttpResponse:
        """Carry out a component's request.

        Raises:
            OutboundFailure: it is not allowed, or there is no answer.
            GuestStopped: it goes to a component that the app does not have, which ends the caller in Spin.
        """
        host = request.authority.rpartition("@")[2]
        name = host.partition(":")[0] if not host.startswith("[") else host
        if name in ("", _SELF):
            if not self._allowed.allows_self():
                raise OutboundFailure("HTTP-request-denied")
            return self._network.send(self._own_url() + request.target, request, seconds)
        if request.scheme not in ("http", "https"):
            raise OutboundFailure("HTTP-protocol-error")
        url = f"{request.scheme}://{request.authority}{request.target}"
        if not self._allowed.allows(url):
            raise OutboundFailure("HTTP-request-denied")
        if host != request.authority:
            raise OutboundFailure("DNS-error")  # Spin looks up the whole authority, user and password with it
        if name.endswith(_CHAINED):
            component = name.removesuffix(_CHAINED)
            answer = self._chain(component, request)
            if answer is None:
                raise GuestStopped(f"the function called {name}, but the app has no component '{component}'")
            if answer.cut_off:
                raise OutboundFailure("HTTP-response-incomplete")
            return answer
        return self._network.send(url, request, seconds)
