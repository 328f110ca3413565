"""HTTP/1.1 as hyper 1 speaks it for Spin, where uvicorn and h11 do otherwise: limits, and ends without an answer."""

from typing import Final

from starlette.types import Receive, Scope
from uvicorn.protocols.http import h11_impl

from local.spin_host.application import WELL_KNOWN
from local.spin_host.messages import HttpResponse

HEAD_BYTES: Final = 8192 + 4096 * 100
"""Longest request line with headers (hyper, proto/h1/io.rs, DEFAULT_MAX_BUFFER_SIZE); more is refused."""

_MOST_HEADERS: Final = 100
_LONGEST_TARGET: Final = 65_534
_HANG_UP: Final = "blue_faas.hang_up"

# Reasons are words for people; uvicorn has none for the statuses above 599, which Spin lets pass.
h11_impl.STATUS_PHRASES.update(dict.fromkeys(range(600, 1000), b""))


class Http11(h11_impl.H11Protocol):
    """uvicorn's protocol, which lets the app close the connection without an answer."""

    def handle_events(self) -> None:
        """Tell each request's scope how to do that."""
        super().handle_events()
        if self.scope is not None:
            self.scope.setdefault("extensions", {})[_HANG_UP] = {"close": self.transport.close}


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close a request's connection; nothing of an answer is sent."""
    scope["extensions"][_HANG_UP]["close"]()
    while (await receive())["type"] != "http.disconnect":
        pass


def refusal(scope: Scope) -> HttpResponse | None:
    """Spin's own answer to a request that no component sees; None when one does.

    Source: hyper 1, proto/h1/role.rs (414, 431); spin v3.6.3, crates/trigger-http/src/server.rs, `set_req_uri` (no
    Host), headers.rs (values that are not UTF-8), and what it answers to ``*``.
    """
    raw_path, headers = scope["raw_path"], scope["headers"]
    if len(raw_path) + len("?") + len(scope["query_string"]) > _LONGEST_TARGET:
        return HttpResponse(414)
    if len(headers) > _MOST_HEADERS:
        return HttpResponse(431)
    if raw_path.startswith(WELL_KNOWN.encode()):
        return None
    if not any(name == b"host" for name, _ in headers):
        return HttpResponse(400, cut_off=True)
    if raw_path == b"*":
        return HttpResponse(500)
    return None if all(map(_is_text, (value for _, value in headers))) else HttpResponse(500)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
