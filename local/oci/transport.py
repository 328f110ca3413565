"""The HTTP connections of the registry client, made no earlier than needed.

Reading the certificate authorities costs 50 to 100 ms, as much as everything else in a push to a registry on this
machine, which speaks plain HTTP: TLS is set up by the first request that needs it.
"""

import threading
from typing import Final

import httpx

CONNECT_RETRIES: Final = 2
MAX_CONNECTIONS: Final = 16
_LIMITS: Final = httpx.Limits(max_connections=MAX_CONNECTIONS)


class RegistryTransport(httpx.BaseTransport):
    """Plain HTTP at once, HTTPS (certificates verified) on first use. Connections are tried three times."""

    def __init__(self) -> None:
        self._plain = httpx.HTTPTransport(verify=False, retries=CONNECT_RETRIES, limits=_LIMITS)
        self._secure: httpx.HTTPTransport | None = None
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send by scheme."""
        return (self._tls() if request.url.scheme == "https" else self._plain).handle_request(request)

    def _tls(self) -> httpx.HTTPTransport:
        with self._lock:
            if self._secure is None:
                self._secure = httpx.HTTPTransport(retries=CONNECT_RETRIES, limits=_LIMITS)
            return self._secure

    def close(self) -> None:
        """Close the connections."""
        self._plain.close()
        if self._secure is not None:
            self._secure.close()
