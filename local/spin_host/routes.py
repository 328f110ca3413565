"""Which component answers a path, by Spin's rules.

A route is ``/exact``, ``/prefix/...`` (that path and everything below it) or has ``:name`` segments that match one
segment each. The most specific route wins, compared segment by segment: text before ``:name`` before ``...``; of two
equal routes the later one. A trailing slash does not matter (spin 3.6, crates/routes over routefinder).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_WILDCARD: Final = "..."
_EXACT, _MIXED, _PARAMETER, _REST = range(4)


@dataclass(frozen=True)
class Route:
    """A route and the trigger it belongs to."""

    pattern: str
    """As written in the manifest."""
    trigger: str
    """Trigger id."""

    @property
    def based(self) -> str:
        """The pattern below the app's base: with a leading slash, without a trailing one; empty for ``/``."""
        absolute = self.pattern if self.pattern.startswith("/") else f"/{self.pattern}"
        return absolute.removesuffix("/")

    @property
    def prefix(self) -> str:
        """The pattern without a trailing ``/...``."""
        return self.pattern.removesuffix("/...")


@dataclass(frozen=True)
class RouteMatch:
    """A path that a route covers."""

    route: Route
    rest: str = ""
    """What ``...`` stands for, with its leading slash; empty without one."""
    parameters: dict[str, str] = field(default_factory=dict)


class Router:
    """All routes of an app."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """``routes``: such as `builder.source.http_trigger.route_fault` finds no fault with."""
        latest = {route.pattern: route for route in routes}
        compiled = [_compile(route) for route in latest.values()]
        self._routes = sorted(compiled, key=lambda entry: entry.rank)

    def match(self, path: str) -> RouteMatch | None:
        """Find the best route for a path (percent-encoded, without query); None when no route covers it."""
        trimmed = path.strip("/")
        for entry in self._routes:
            found = entry.regex.fullmatch(trimmed)
            if found is not None:
                groups = found.groups()
                parameters = dict(zip(entry.names, groups, strict=False))
                return RouteMatch(entry.route, _rest(path, groups[-1]) if entry.wildcard else "", parameters)
        return None


@dataclass(frozen=True)
class _Compiled:
    route: Route
    rank: tuple[int, ...]
    regex: re.Pattern[str]
    names: list[str]
    wildcard: bool


def _rest(path: str, below: str | None) -> str:
    """Spin keeps the trailing slash that matching ignores."""
    tail = "/" if path.endswith("/") else ""
    return f"/{below}{tail}" if below else tail


def _compile(route: Route) -> _Compiled:
    segments = [segment for segment in route.pattern.strip("/").split("/") if segment]
    wildcard = bool(segments) and segments[-1] in (_WILDCARD, "*")
    if wildcard:
        segments.pop()
    ranks: list[int] = []
    names: list[str] = []
    parts: list[str] = []
    for segment in segments:
        rank, part = _segment(segment, names)
        ranks.append(rank)
        parts.append(part)
    regex = "/".join(parts)
    if wildcard:
        ranks.append(_REST)
        regex = rf"{regex}(?:/(.*))?" if parts else "(.*)"
    return _Compiled(route, tuple(ranks), re.compile(regex, re.DOTALL), names, wildcard)


def _segment(segment: str, names: list[str]) -> tuple[int, str]:
    """Rank and regular expression of one segment; ``:name`` may be joined to text by a dot, as in ``:id.json``."""
    pieces = segment.split(".")
    if not any(piece.startswith(":") for piece in pieces):
        return _EXACT, re.escape(segment)
    regex = []
    for piece in pieces:
        if not piece.startswith(":"):
            regex.append(re.escape(piece))
            continue
        names.append(piece[1:])
        regex.append("([^/]+)" if len(pieces) == 1 else "([^/.]+)")
    return (_PARAMETER if len(pieces) == 1 else _MIXED), r"\.".join(regex)
