"""Where users of the command line sign in on one machine: the device flow of the run's issuer, and refresh tokens.

Stricter than issuers are: every parameter is required, none may be repeated or unknown; who asks before the interval
is over is told to slow down and has to wait five seconds more each time; codes and refresh tokens are good for one use,
and a refresh token that comes a second time ends the sign-in. Standards: RFC 8628, RFC 6749 (6), RFC 7009, RFC 9700
(4.14).

Clients hold a discovery document to the address that it came from, and `ISSUER` has none. So this is an issuer of its
own address, whose tokens are those of `ISSUER`, which is what the API trusts.
"""

import html
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from local.cloud.issuer import CLI_CLIENT, DEVICE_PATH, MINUTES, mint
from local.front.oauth import PAGE_HEADERS, RefusedError, once, token_answer

CODE_SECONDS: Final = 600
INTERVAL_SECONDS: Final = 1
SLOWER_SECONDS: Final = 5
DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_USER_CODE: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels: no words; nothing that looks like a digit (RFC 8628, 6.1)."""
_FORM: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in</title>
<main><h1>Sign in on the command line</h1><p>This is the issuer of the one-machine cloud: be whom you like.</p>
<form method="post"><p><label>Code <input name="user_code" value="{code}" required autofocus></label></p>
<p><label>Subject <input name="subject" value="local" required></label></p>
<p><label>Workspaces, with spaces between <input name="workspaces" value="my-workspace"></label></p>
<button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button>
</form></main></html>"""


_Exchange = Callable[[Mapping[str, str]], Mapping[str, object]]


@dataclass(frozen=True)
class _User:
    subject: str
    workspaces: tuple[str, ...]


@dataclass
class _Asked:
    """A device code, and how far it is."""

    user_code: str
    end: float
    """Of the issuer's clock, in seconds."""
    asked_at: float
    """When it was given, or asked about last."""
    offline: bool
    interval: float = INTERVAL_SECONDS
    user: _User | None = None
    denied: bool = False


@dataclass
class _Family:
    """The refresh tokens of one sign-in, of which the last one counts."""

    user: _User
    current: str = ""


class DeviceSignIn:
    """The endpoints, and what is open."""

    def __init__(self, key: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._key = key
        self._clock = clock
        self._codes: dict[str, _Asked] = {}
        self._families: dict[str, _Family] = {}
        """By every refresh token that was ever given."""
        self._grants: Final[Mapping[str, tuple[frozenset[str], _Exchange]]] = {
            DEVICE_GRANT: (frozenset(("grant_type", "device_code", "client_id")), self._by_device_code),
            "refresh_token": (frozenset(("grant_type", "refresh_token", "client_id")), self._by_refresh_token),
        }

    def routes(self) -> list[Route]:
        """Return the routes of the endpoints."""
        return [
            Route(f"{DEVICE_PATH}/.well-known/openid-configuration", self._discover, methods=["GET"]),
            Route(f"{DEVICE_PATH}/device_authorization", self._begin, methods=["POST"]),
            Route(f"{DEVICE_PATH}/device", self._ask_user, methods=["GET"]),
            Route(f"{DEVICE_PATH}/device", self._hear_user, methods=["POST"]),
            Route(f"{DEVICE_PATH}/token", self._exchange, methods=["POST"]),
            Route(f"{DEVICE_PATH}/revoke", self._revoke, methods=["POST"]),
        ]

    async def _discover(self, request: Request) -> Response:
        here = _address(request)
        return JSONResponse(
            {
                "issuer": here,
                "device_authorization_endpoint": f"{here}/device_authorization",
                "token_endpoint": f"{here}/token",
                "revocation_endpoint": f"{here}/revoke",
                "grant_types_supported": list(self._grants),
                "scopes_supported": ["openid", "offline_access"],
                "token_endpoint_auth_methods_supported": ["none"],
            }
        )

    async def _begin(self, request: Request) -> Response:
        """Give a code to a device."""

        def answer(body: str) -> Mapping[str, object]:
            form = once(body, frozenset(("client_id", "scope")))
            _check_client(form)
            scopes = form["scope"].split()
            if "openid" not in scopes or set(scopes) - {"openid", "offline_access"}:
                raise RefusedError("invalid_scope", "scope is openid, with offline_access or without.")
            device_code = secrets.token_urlsafe(32)
            letters = "".join(secrets.choice(_USER_CODE) for _ in range(8))
            user_code = f"{letters[:4]}-{letters[4:]}"
            now = self._clock()
            self._codes[device_code] = _Asked(user_code, now + CODE_SECONDS, now, "offline_access" in scopes)
            page = f"{_address(request)}/device"
            return {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={user_code}",
                "expires_in": CODE_SECONDS,
                "interval": INTERVAL_SECONDS,
            }

        return await token_answer(request, answer)

    async def _ask_user(self, request: Request) -> Response:
        code = html.escape(request.query_params.get("user_code", ""), quote=True)
        return HTMLResponse(_FORM.format(code=code), headers=PAGE_HEADERS)

    async def _hear_user(self, request: Request) -> Response:
        """Take what the user says to a code, once."""
        try:
            form = once((await request.body()).decode(), frozenset(("user_code", "subject", "workspaces", "answer")))
        except (RefusedError, UnicodeDecodeError):
            return HTMLResponse("The form is not complete.", 400, PAGE_HEADERS)
        asked = self._open_code(form["user_code"])
        if asked is None or form["answer"] not in ("allow", "deny"):
            return HTMLResponse("There is no such code, or not any longer.", 400, PAGE_HEADERS)
        if form["answer"] == "deny":
            asked.denied = True
            return HTMLResponse("Denied. You can close this page.", headers=PAGE_HEADERS)
        asked.user = _User(form["subject"], tuple(form["workspaces"].split()))
        return HTMLResponse("Signed in. You can close this page.", headers=PAGE_HEADERS)

    def _open_code(self, typed: str) -> _Asked | None:
        """Find a code as people type it (RFC 8628, 6.1): in any case, with the dash or without."""
        wanted = "".join(letter for letter in typed.upper() if letter in _USER_CODE)
        for asked in self._codes.values():
            is_open = asked.user is None and not asked.denied and self._clock() < asked.end
            if is_open and asked.user_code.replace("-", "") == wanted:
                return asked
        return None

    async def _exchange(self, request: Request) -> Response:
        """Give tokens for a code or a refresh token."""

        def answer(body: str) -> Mapping[str, object]:
            named = [value for name, value in parse_qsl(body, keep_blank_values=True) if name == "grant_type"]
            if len(named) != 1 or named[0] not in self._grants:
                raise RefusedError("unsupported_grant_type", f"grant_type is one of {', '.join(self._grants)}.")
            parameters, exchange = self._grants[named[0]]
            form = once(body, parameters)
            _check_client(form)
            return exchange(form)

        return await token_answer(request, answer)

    def _by_device_code(self, form: Mapping[str, str]) -> dict[str, object]:
        asked = self._codes.get(form["device_code"])
        if asked is None:
            raise RefusedError("invalid_grant", "The device code is not known, or has been used.")
        now = self._clock()
        if now >= asked.end:
            raise RefusedError("expired_token", "The code is too old.")
        early = now - asked.asked_at < asked.interval
        asked.asked_at = now
        if early:
            asked.interval += SLOWER_SECONDS
            raise RefusedError("slow_down", f"Ask every {asked.interval:g} seconds.")
        if asked.denied:
            raise RefusedError("access_denied", "The user said no.")
        if asked.user is None:
            raise RefusedError("authorization_pending", "The user has not answered.")
        del self._codes[form["device_code"]]
        return self._tokens(_Family(asked.user), offline=asked.offline)

    def _by_refresh_token(self, form: Mapping[str, str]) -> dict[str, object]:
        family = self._families.get(form["refresh_token"])
        if family is None:
            raise RefusedError("invalid_grant", "The refresh token is not known, or its sign-in has ended.")
        if family.current != form["refresh_token"]:
            self._end(family)
            raise RefusedError("invalid_grant", "The refresh token was used before: the sign-in has ended.")
        return self._tokens(family, offline=True)

    def _tokens(self, family: _Family, *, offline: bool) -> dict[str, object]:
        answer: dict[str, object] = {
            "access_token": mint(self._key, family.user.workspaces, sub=family.user.subject),
            "token_type": "Bearer",
            "expires_in": MINUTES * 60,
        }
        if offline:
            family.current = secrets.token_urlsafe(32)
            self._families[family.current] = family
            answer["refresh_token"] = family.current
        return answer

    def _end(self, family: _Family) -> None:
        self._families = {token: other for token, other in self._families.items() if other is not family}

    async def _revoke(self, request: Request) -> Response:
        """End a sign-in by its refresh token; a token that is not known is none already (RFC 7009, 2.2)."""

        def answer(body: str) -> Mapping[str, object]:
            form = once(body, frozenset(("token", "client_id")))
            _check_client(form)
            family = self._families.get(form["token"])
            if family is not None:
                self._end(family)
            return {}

        return await token_answer(request, answer)


def _address(request: Request) -> str:
    return f"http://{request.headers['host']}{DEVICE_PATH}"


def _check_client(form: Mapping[str, str]) -> None:
    if form["client_id"] != CLI_CLIENT:
        raise RefusedError("invalid_client", "The client is not known here.")
