"""The front's door: no page of a browser gets in, under whatever name it reaches this machine.

Whoever can send a request to 127.0.0.1 may build and deploy here, and a browser sends requests for every page that it
shows. It says so, in headers that a page can neither leave out nor change: ``Origin`` with whatever is not a plain GET
(https://fetch.spec.whatwg.org/#origin-header) and ``Sec-Fetch-Site`` with everything
(https://www.w3.org/TR/fetch-metadata/). A page whose host name was made to mean 127.0.0.1 (DNS rebinding) is of the
same origin as what it calls, but its requests have that name for a Host. Programs send none of the headers and call
127.0.0.1 or localhost: they are let in, whatever the type of their content.
"""

import re
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_OWN_NAME: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
"""Any port: what comes through a tunnel (``ssh -L``) is called by the port of the tunnel's other end."""


class Door:
    """An ASGI app before all that the front serves under names of this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it."""
        if scope["type"] == "http":
            reason = refusal(scope["method"], Headers(scope=scope))
            if reason is not None:
                await JSONResponse({"detail": reason}, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def refusal(method: str, headers: Mapping[str, str]) -> str | None:
    """Why a request may not come in; None when it may.

    Parameters
    ----------
    headers
        Names are in any case (`starlette.datastructures.Headers`).
    """
    host = headers.get("host", "")
    if not _OWN_NAME.fullmatch(host):
        return "The one-machine cloud answers only to 127.0.0.1 and localhost; the request's Host is another."
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        return "A page of another origin called the one-machine cloud; only its own pages and programs may."
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin") or _follows_link(method, headers):
        return None
    return "A page of another site called the one-machine cloud; only its own pages and programs may."


def _follows_link(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person followed a link, as to ``/docs``: the page that had it sees nothing of the answer."""
    navigates = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return method == "GET" and navigates
