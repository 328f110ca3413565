"""An issuer of tokens over HTTP: what it says of itself, and forms that are sent to its endpoints.

Standards: OpenID Connect Discovery 1.0, RFC 6749 (errors of the token endpoint: 5.2), RFC 7009 (revocation). No Python
library that is kept well has the client's half of the device flow: Authlib has the server's, oauthlib writes two of the
forms and leaves HTTP and waiting to its caller (docs/decisions/0069-signing-in-from-the-command-line.md).
"""

from typing import Any, Final, Self

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from blue_faas_cli.authorities import authorities
from blue_faas_cli.problems import BlueError, Exit, usage

_LOOPBACK: Final = frozenset(("127.0.0.1", "localhost", "::1"))
_TIMEOUT: Final = httpx.Timeout(20, connect=10)
_MOST_BYTES: Final = 200_000
"""Bytes of an answer; discovery documents have a few thousand."""


class IssuerError(Exception):
    """An error of the token endpoint, by its code (RFC 6749, 5.2)."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{description} ({code})" if description else code)
        self.code = code


class NoAnswerError(Exception):
    """The issuer does not answer, or says that it cannot for now."""


class Discovery(BaseModel):
    """What an issuer says of itself; the rest of the document is not used."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None


class Issuer:
    """Sends requests to an issuer; follows no redirect, as what is sent is secret."""

    def __init__(self) -> None:
        self._http = httpx.Client(timeout=_TIMEOUT, verify=authorities(), headers={"accept": "application/json"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def discover(self, issuer: str) -> Discovery:
        """Fetch the discovery document of an issuer.

        Raises
        ------
        BlueError
            There is none, it is another issuer's, or one of its endpoints is not encrypted.
        """
        require_encrypted(issuer)
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            answer = self._http.get(address)
        except httpx.HTTPError as error:
            raise BlueError(f"The issuer {issuer} does not answer: {_reason(error)}", Exit.NO_ANSWER) from None
        try:
            found = Discovery.model_validate(_json(answer.raise_for_status()))
        except (httpx.HTTPStatusError, ValidationError, ValueError):
            raise BlueError(
                f"{address} (HTTP {answer.status_code}) is no discovery document: is the issuer's address right?",
                Exit.REFUSED,
            ) from None
        if found.issuer.rstrip("/") != issuer.rstrip("/"):
            raise BlueError(f"{address} is the document of another issuer, {found.issuer}", Exit.REFUSED)
        for endpoint in (found.token_endpoint, found.device_authorization_endpoint, found.revocation_endpoint):
            if endpoint is not None:
                require_encrypted(endpoint)
        return found

    def send(self, endpoint: str, form: dict[str, str]) -> dict[str, Any]:
        """POST a form; returns the JSON object of the answer, empty where there is none.

        Raises
        ------
        IssuerError
            The issuer refuses.
        NoAnswerError
            It may be otherwise a little later.
        """
        try:
            answer = self._http.post(endpoint, data=form)
        except httpx.HTTPError as error:
            raise NoAnswerError(_reason(error)) from None
        if answer.is_server_error:
            raise NoAnswerError(f"HTTP {answer.status_code}")
        try:
            content = _json(answer)
        except ValueError:
            content = {}
        if not answer.is_success:
            raise IssuerError(
                str(content.get("error", f"HTTP {answer.status_code}")), str(content.get("error_description", ""))
            )
        return content


def require_encrypted(address: str) -> None:
    """Check that an address of an issuer is ``https://``, or of this machine.

    Raises
    ------
    BlueError
        It is neither.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise usage(f"{address} is no address") from None
    here = url.scheme == "http" and url.host in _LOOPBACK
    if not url.host or url.userinfo or not (url.scheme == "https" or here):
        raise usage(f"{address} is not encrypted: users sign in at https:// or on this machine only")


def _json(answer: httpx.Response) -> dict[str, Any]:
    if len(answer.content) > _MOST_BYTES:
        raise ValueError("too long")
    content = answer.json()
    if not isinstance(content, dict):
        raise ValueError("no object")  # what json says of a text that is none
    return content


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
