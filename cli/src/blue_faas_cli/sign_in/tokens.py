"""Tokens of users who signed in: a file for each context, readable by its user alone.

Each says which API it was made for. It is sent nowhere else, whatever the context or an option says later.
"""

import base64
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

import platformdirs
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blue_faas_cli.problems import BlueError, Exit

_LOCK_SECONDS: Final = 60.0


class TokenAnswer(BaseModel):
    """A successful answer of a token endpoint (RFC 6749, 5.1)."""

    model_config = ConfigDict(frozen=True)

    access_token: str = Field(min_length=1, repr=False)
    token_type: str
    expires_in: float | None = Field(default=None, gt=0)
    refresh_token: str | None = Field(default=None, repr=False)


class Tokens(BaseModel):
    """What is kept of one sign-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    """The API that it was made for."""
    issuer: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str | None = None
    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(default=None, repr=False)
    expires_at: float | None = None
    """Seconds since 1970; None when neither the issuer nor the token says it."""

    def renewed(self, answer: TokenAnswer) -> Self:
        """Return the tokens of a later answer; an issuer that sends no new refresh token goes on with the old one."""
        return self.model_copy(
            update={
                "access_token": answer.access_token,
                "refresh_token": answer.refresh_token or self.refresh_token,
                "expires_at": expiry(answer),
            }
        )

    def seconds_left(self) -> float:
        """Return for how long the access token is valid; infinite when nothing says so."""
        return float("inf") if self.expires_at is None else self.expires_at - time.time()


def expiry(answer: TokenAnswer) -> float | None:
    """Return when an access token ends, by this machine's clock where the issuer says for how long it is valid."""
    if answer.expires_in is not None:
        return time.time() + answer.expires_in
    try:
        return float(claims_of(answer.access_token)["exp"])
    except (ValueError, KeyError, TypeError):
        return None


def claims_of(token: str) -> Mapping[str, Any]:
    """Read the claims of a JWT, to show them; whether it is genuine, the API judges.

    Raises
    ------
    ValueError
        It is no JWT.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except IndexError:
        raise ValueError("no JWT") from None
    if not isinstance(claims, dict):
        raise ValueError("no JWT")  # a text that is none, not a wrong argument
    return claims


class TokenFile:
    """The tokens of one context."""

    def __init__(self, context: str) -> None:
        folder = platformdirs.user_state_path("blue-faas", appauthor=False) / "tokens"
        # A context may have any name, a file may not.
        self._path = folder / f"{hashlib.sha256(context.encode()).hexdigest()[:32]}.json"

    def exists(self) -> bool:
        """Whether anything is kept."""
        return self._path.exists()

    def read(self, url: str) -> Tokens | None:
        """Return the tokens for an API; None when there are none, or they are another API's.

        Raises
        ------
        BlueError
            The file was damaged.
        """
        try:
            kept = self._content()
        except ValidationError:
            raise BlueError(f"{self._path} is damaged: `blue login` signs in again", Exit.REFUSED) from None
        return kept if kept is not None and kept.url == url else None

    def write(self, tokens: Tokens) -> None:
        """Replace the file as a whole; only its user can read it, from its first byte on."""
        self._make_folder()
        written = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
                output.write(tokens.model_dump_json().encode())
            written.replace(self._path)
        finally:
            written.unlink(missing_ok=True)

    def take(self) -> tuple[bool, Tokens | None]:
        """Remove the file; returns whether it was there, and its tokens where they can be read."""
        try:
            tokens = self._content()
        except ValidationError:
            tokens = None
        was_there = self.exists()
        self._path.unlink(missing_ok=True)
        return was_there, tokens

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one process at a time renew: issuers that rotate refresh tokens take each only once."""
        self._make_folder()
        with FileLock(self._path.with_suffix(".lock"), timeout=_LOCK_SECONDS, mode=0o600):
            yield

    def _content(self) -> Tokens | None:
        try:
            return Tokens.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None

    def _make_folder(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
