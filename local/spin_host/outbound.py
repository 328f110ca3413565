"""Requests that a component sends: allowed or not, then to a sibling component, to the app itself, or to the network.

Spin's rules (spin 3.6, crates/factor-outbound-http): a request without a host, or to ``self.alt``, goes to the app's
own address; ``<component>.spin.internal`` is handed to that component without the network; every one of these needs an
entry in ``allowed_outbound_hosts``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from builder.source.outbound_hosts import USUAL_PORTS, HostError, host_name

from local.spin_host.host.abi import GuestStopped
from local.spin_host.messages import HttpRequest, HttpResponse
from local.spin_host.network import Network, OutboundFailure
from local.spin_host.outbound_hosts import AllowedHosts

_CHAINED: Final = ".spin.internal"
_SELF: Final = "self.alt"

Chain = Callable[[str, HttpRequest], HttpResponse | None]
"""Runs a component of the same app by its id; None when there is none of that id."""


class Outbound:
    """One component's way out."""

    def __init__(self, allowed: AllowedHosts, network: Network, chain: Chain, own_authority: Callable[[], str]) -> None:
        """``own_authority`` tells where the app itself listens, known once the server does."""
        self._allowed = allowed
        self._network = network
        self._chain = chain
        self._own_authority = own_authority

    def send(self, request: HttpRequest, seconds: float) -> HttpResponse:
        """Carry out a component's request.

        Raises
        ------
        OutboundFailure
            It is not allowed, or there is no answer.
        GuestStopped
            It goes to a component that the app does not have, which ends the caller in Spin.
        """
        host = request.authority.rpartition("@")[2]
        name = host.partition(":")[0] if not host.startswith("[") else host
        if name in ("", _SELF):
            if not self._allowed.allows_self():
                raise OutboundFailure("HTTP-request-denied")
            return self._to(replace(request, scheme="http", authority=self._own_authority()), seconds)
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
        return self._to(request, seconds)

    def _to(self, request: HttpRequest, seconds: float) -> HttpResponse:
        """By the network."""
        try:
            parts = urlsplit(f"{request.scheme}://{request.authority}")
            written, port = parts.hostname or "", parts.port
            host = str(host_name(f"[{written}]" if ":" in written else written))
        except (ValueError, HostError):
            raise OutboundFailure("HTTP-protocol-error") from None
        return self._network.send(host, USUAL_PORTS[request.scheme] if port is None else port, request, seconds)
