"""Registry authentication: answer the challenge of a 401, once per client, with Basic or a fetched Bearer token.

Sources: RFC 7235 (challenges), RFC 7617 (Basic), https://distribution.github.io/distribution/spec/auth/token/.
"""

from collections.abc import Generator
from typing import Final
from urllib.request import parse_http_list, parse_keqv_list

import httpx

from local.oci.credentials import Credentials

_THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")


def parse_challenge(header: str) -> tuple[str, dict[str, str]]:
    """Return scheme (lower case) and parameters of a ``WWW-Authenticate`` header; an empty scheme if malformed."""
    scheme, _, rest = header.strip().partition(" ")
    try:
        parameters = parse_keqv_list(parse_http_list(rest))
    except (ValueError, IndexError):  # the latter for a parameter without a value
        return "", {}
    return scheme.lower(), {name.lower(): value for name, value in parameters.items()}


class RegistryAuth(httpx.Auth):
    """Sends a request bare, answers the registry's challenge, and repeats the answer on every later request.

    Synchronous clients only: it reads the token server's answer itself, because httpx's own switch for that
    (``requires_response_body``) would read every blob into memory as well.

    Without a usable answer (no credentials for Basic, a refused token request) the 401 stands, so that the caller
    sees the registry's own words.
    """

    def __init__(self, credentials: Credentials | None, scope: str) -> None:
        self._credentials = credentials
        self._scope = scope
        self._header: str | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Serve httpx: yield requests, receive responses; the last response yielded for is the caller's."""
        if self._header is not None:
            request.headers["Authorization"] = self._header
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        scheme, parameters = parse_challenge(response.headers.get("WWW-Authenticate", ""))
        if scheme == "basic" and self._credentials is not None:
            header = self._credentials.basic()
        elif scheme == "bearer" and _is_private(parameters.get("realm", "")):
            token = _read_token((yield self._token_request(request.url, parameters)))
            if token is None:
                yield request  # once more and bare: the caller must get the registry's answer, not the token server's
                return
            header = f"Bearer {token}"
        else:
            return
        if header == request.headers.get("Authorization"):
            return  # this very answer was just refused: asking again changes nothing
        self._header = request.headers["Authorization"] = header
        yield request

    def _token_request(self, registry: httpx.URL, challenge: dict[str, str]) -> httpx.Request:
        params = {"scope": challenge.get("scope") or self._scope}
        if "service" in challenge:
            params["service"] = challenge["service"]
        url = httpx.URL(challenge["realm"]).copy_merge_params(params)
        headers = {}
        if self._credentials is not None and url.host == registry.host:  # a registry may name any host
            headers["Authorization"] = self._credentials.basic()
        return httpx.Request("GET", url, headers=headers)


def _is_private(realm: str) -> bool:
    """Whether nobody on the way can read what a token server is sent, the password above all."""
    try:
        url = httpx.URL(realm)
    except httpx.InvalidURL:
        return False
    return url.scheme == "https" or (url.scheme == "http" and url.host in _THIS_MACHINE)


def _read_token(response: httpx.Response) -> str | None:
    """Read the token of a token server's answer, under either of its two names; None when it refused."""
    if not response.is_success:
        return None
    try:
        response.read()
        body = response.json()
        token = body.get("token") or body.get("access_token")
    except (ValueError, AttributeError):
        return None
    return token if isinstance(token, str) else None
