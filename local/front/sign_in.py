"""Where users of the page sign in on one machine: the authorization code flow of the run's issuer, with PKCE.

Stricter than issuers are: every parameter of the page's request is required, none may be repeated or unknown, PKCE is
S256, and a code is gone with its first use, whatever comes of it. Whoever sits at this machine may sign in as anybody.
Standards: RFC 6749 (4.1), RFC 7636, RFC 9207 (``iss``), OpenID Connect Core 1.0 (3.1).
"""

import base64
import hashlib
import html
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.cloud.issuer import ISSUER, MINUTES, PAGE_CLIENT, PATH, mint
from local.front.oauth import PAGE_HEADERS, RefusedError, once, token_answer

CODE_SECONDS: Final = 60
_ASKED: Final = frozenset(
    ("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method")
)
_EXCHANGED: Final = frozenset(("grant_type", "code", "redirect_uri", "client_id", "code_verifier"))
_ANSWERED: Final = frozenset(("request", "subject", "workspaces"))
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_FORM: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in</title>
<main><h1>Sign in</h1><p>This is the issuer of the one-machine cloud: be whom you like.</p>
<form method="post"><input type="hidden" name="request" value="{request}">
<p><label>Subject <input name="subject" value="local" required autofocus></label></p>
<p><label>Workspaces, with spaces between <input name="workspaces" value="my-workspace"></label></p>
<button>Sign in</button></form></main></html>"""


@dataclass(frozen=True)
class _Grant:
    """What a code stands for."""

    redirect_uri: str
    nonce: str
    challenge: str
    subject: str
    workspaces: tuple[str, ...]
    made: float
    """Of `time.monotonic`."""


class SignIn:
    """The two endpoints, and the requests and codes that are open."""

    def __init__(self, key: Path) -> None:
        self._key = key
        self._requests: dict[str, Mapping[str, str]] = {}
        self._grants: dict[str, _Grant] = {}

    def routes(self) -> list[Route]:
        """Return the routes of both endpoints."""
        return [
            Route(f"{PATH}/authorize", self._ask, methods=["GET"]),
            Route(f"{PATH}/authorize", self._answer, methods=["POST"]),
            Route(f"{PATH}/token", self._exchange, methods=["POST"]),
        ]

    async def _ask(self, request: Request) -> Response:
        """Show who may be signed in; what is wrong goes back to the page, if it is one that is known."""
        asked = dict(request.query_params)
        if asked.get("client_id") != PAGE_CLIENT or asked.get("redirect_uri") != _redirect_uri(request):
            return HTMLResponse("The client or its redirect URI is not known here.", 400, PAGE_HEADERS)
        try:
            _check_request(once(request.url.query, _ASKED))
        except RefusedError as refused:
            told = {"error": refused.error, "error_description": str(refused), "state": asked.get("state", "")}
            return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({**told, 'iss': ISSUER})}", 303, PAGE_HEADERS)
        identifier = secrets.token_urlsafe(32)
        self._requests[identifier] = asked
        return HTMLResponse(_FORM.format(request=html.escape(identifier)), headers=PAGE_HEADERS)

    async def _answer(self, request: Request) -> Response:
        """Send the user back with a code."""
        try:
            form = once((await request.body()).decode(), _ANSWERED)
            asked = self._requests.pop(form["request"])
        except (RefusedError, KeyError, UnicodeDecodeError):
            return HTMLResponse("This sign-in is over. Begin again on the page.", 400, PAGE_HEADERS)
        code = secrets.token_urlsafe(32)
        self._grants[code] = _Grant(
            asked["redirect_uri"],
            asked["nonce"],
            asked["code_challenge"],
            form["subject"],
            tuple(form["workspaces"].split()),
            time.monotonic(),
        )
        query = urlencode({"code": code, "state": asked["state"], "iss": ISSUER})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303, PAGE_HEADERS)

    async def _exchange(self, request: Request) -> Response:
        """Give tokens for a code."""
        return await token_answer(request, self._tokens)

    def _tokens(self, body: str) -> dict[str, object]:
        form = once(body, _EXCHANGED)
        if form["grant_type"] != "authorization_code":
            raise RefusedError("unsupported_grant_type", "grant_type is authorization_code.")
        grant = self._grants.pop(form["code"], None)
        if grant is None or time.monotonic() - grant.made > CODE_SECONDS:
            raise RefusedError("invalid_grant", "The code is not known, has been used, or is too old.")
        if form["client_id"] != PAGE_CLIENT or form["redirect_uri"] != grant.redirect_uri:
            raise RefusedError("invalid_grant", "The code was given to another client or redirect URI.")
        verifier = form["code_verifier"]
        if not _VERIFIER.fullmatch(verifier) or not secrets.compare_digest(_challenge(verifier), grant.challenge):
            raise RefusedError("invalid_grant", "The code_verifier is not that of the code_challenge.")
        return {
            "access_token": mint(self._key, grant.workspaces, sub=grant.subject),
            "id_token": mint(self._key, (), aud=PAGE_CLIENT, sub=grant.subject, nonce=grant.nonce),
            "token_type": "Bearer",
            "expires_in": MINUTES * 60,
        }


def _redirect_uri(request: Request) -> str:
    return f"http://{request.headers['host']}/ui"


def _check_request(asked: Mapping[str, str]) -> None:
    if asked["response_type"] != "code":
        raise RefusedError("unsupported_response_type", "response_type is code.")
    if "openid" not in asked["scope"].split():
        raise RefusedError("invalid_scope", "scope lacks openid.")
    if asked["code_challenge_method"] != "S256" or not _CHALLENGE.fullmatch(asked["code_challenge"]):
        raise RefusedError("invalid_request", "code_challenge is a SHA-256 in base64url, its method S256.")
    if not asked["state"] or not asked["nonce"]:
        raise RefusedError("invalid_request", "state and nonce are empty.")


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
