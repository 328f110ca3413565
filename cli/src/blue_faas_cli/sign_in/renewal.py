"""Kept tokens on requests: renewed before they end, and given back at the end."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Final

import httpx
from pydantic import ValidationError

from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.sign_in.issuer import Issuer, IssuerError, NoAnswerError
from blue_faas_cli.sign_in.tokens import TokenAnswer, TokenFile, Tokens

MARGIN_SECONDS: Final = 60.0
"""A token is renewed when it has less left: clocks differ, and requests take time."""


class KeptToken(httpx.Auth):
    """Sends the token of a context, to the API that it was made for.

    Raises
    ------
    BlueError
        Nobody has signed in with this context for this API.
    """

    def __init__(self, context: str, url: str) -> None:
        self._context = context
        self._url = url
        self._file = TokenFile(context)
        self._tokens = self._read()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["authorization"] = f"Bearer {self.current().access_token}"
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header; what renews waits for the issuer, so that happens beside the loop."""
        tokens = await asyncio.to_thread(self.current)
        request.headers["authorization"] = f"Bearer {tokens.access_token}"
        yield request

    def current(self) -> Tokens:
        """Return tokens that are valid for the next request.

        Raises
        ------
        BlueError
            They are not, and cannot be renewed.
        """
        if self._tokens.seconds_left() < MARGIN_SECONDS:
            with self._file.locked():
                self._tokens = self._read()  # another process may have renewed them
                if self._tokens.seconds_left() < MARGIN_SECONDS:
                    self._renew()
        return self._tokens

    def _read(self) -> Tokens:
        tokens = self._file.read(self._url)
        if tokens is None:
            raise BlueError(
                f"Nobody is signed in at {self._url}: `blue login {self._context}`, or a token in the variable "
                "BLUE_TOKEN",
                Exit.REFUSED,
            )
        return tokens

    def _renew(self) -> None:
        if self._tokens.refresh_token is None:
            self._require_time_left("The issuer gave no refresh token")
            return
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._tokens.refresh_token,
            "client_id": self._tokens.client_id,
        }
        try:
            with Issuer() as issuer:
                answer = TokenAnswer.model_validate(issuer.send(self._tokens.token_endpoint, form))
        except IssuerError as error:
            self._require_time_left(f"{self._tokens.issuer} renews it no longer: {error}")
        except (NoAnswerError, ValidationError):
            if self._tokens.seconds_left() <= 0:
                raise BlueError(
                    f"The token has expired, and {self._tokens.issuer}, which renews it, does not answer",
                    Exit.NO_ANSWER,
                ) from None
        else:
            self._tokens = self._tokens.renewed(answer)
            self._file.write(self._tokens)

    def _require_time_left(self, why: str) -> None:
        if self._tokens.seconds_left() <= 0:
            raise BlueError(
                f"The sign-in has expired. `blue login {self._context}` signs in again. {why}.", Exit.REFUSED
            )


def sign_out(context: str) -> bool:
    """Remove the tokens of a context, and tell the issuer (RFC 7009); returns whether there were any.

    The file is gone whatever the issuer says: an access token that it cannot take back ends by itself.
    """
    file = TokenFile(context)
    if not file.exists():
        return False
    with file.locked():
        was_there, tokens = file.take()
    if tokens is not None and tokens.revocation_endpoint is not None:
        form = {"token": tokens.refresh_token or tokens.access_token, "client_id": tokens.client_id}
        try:
            with Issuer() as issuer:
                issuer.send(tokens.revocation_endpoint, form)
        except (IssuerError, NoAnswerError):
            pass
    return was_there
