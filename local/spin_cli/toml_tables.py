"""Typed reading of TOML tables, with errors in serde's words that point at a line.

`tomllib` keeps no positions, so a line is found again only when there is an error to report, by reading headers and
keys line by line. Good enough to name a line; nothing else depends on it.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, Final

from local.spin_cli.terminal import SpinError, quoted

Path = tuple[str | int, ...]
_KEY: Final = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_SYNTAX_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class InvalidValueError(Exception):
    """A value has the wrong shape; ``path`` leads to it from the root of the document."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class Table:
    """One TOML table being read. `close` rejects keys that nobody asked for."""

    def __init__(self, value: Any, path: Path, expected: str = "a table") -> None:
        if not isinstance(value, dict):
            raise InvalidValueError(f"invalid type: {describe(value)}, expected {expected}", path)
        self.values: dict[str, Any] = value
        self.path = path
        self._asked: list[str] = []

    def raw(self, key: str) -> Any:
        """The value as parsed; None when absent (TOML has no null)."""
        self._asked.append(key)
        return self.values.get(key)

    def required(self, key: str) -> Any:
        """The value as parsed; an error when absent."""
        value = self.raw(key)
        if value is None:
            raise InvalidValueError(f"missing field `{key}`", self.path)
        return value

    def text(self, key: str) -> str:
        """A string; empty when absent."""
        return self.optional_text(key) or ""

    def optional_text(self, key: str) -> str | None:
        """A string; None when absent."""
        value = self.raw(key)
        return None if value is None else as_text(value, (*self.path, key))

    def required_text(self, key: str) -> str:
        """A string; an error when absent."""
        return as_text(self.required(key), (*self.path, key))

    def flag(self, key: str) -> bool:
        """A boolean; false when absent."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            raise InvalidValueError(f"invalid type: {describe(value)}, expected a boolean", (*self.path, key))
        return bool(value)

    def items(self, key: str) -> list[Any]:
        """An array; empty when absent."""
        value = self.raw(key)
        if value is not None and not isinstance(value, list):
            raise InvalidValueError(f"invalid type: {describe(value)}, expected a sequence", (*self.path, key))
        return value or []

    def texts(self, key: str) -> list[str]:
        """An array of strings; empty when absent."""
        return [as_text(item, (*self.path, key)) for item in self.items(key)]

    def table(self, key: str) -> "Table":
        """A table inside; an empty one when absent."""
        value = self.raw(key)
        return Table({} if value is None else value, (*self.path, key), "a map")

    def text_map(self, key: str) -> dict[str, str]:
        """A table of strings; empty when absent."""
        inner = self.table(key)
        return {name: as_text(value, (*inner.path, name)) for name, value in inner.values.items()}

    def close(self) -> None:
        """Reject what was not asked for."""
        for key in self.values:
            if key not in self._asked:
                known = ", ".join(f"`{name}`" for name in self._asked)
                raise InvalidValueError(f"unknown field `{key}`, expected one of {known}", (*self.path, key))


def as_text(value: Any, path: Path) -> str:
    """The value if it is a string."""
    if not isinstance(value, str):
        raise InvalidValueError(f"invalid type: {describe(value)}, expected a string", path)
    return value


def describe(value: Any) -> str:
    """A value as serde names it in ``invalid type`` errors."""
    match value:
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {quoted(value)}"
        case list():
            return "sequence"
        case datetime() | date() | time():
            return "datetime"
        case _:
            return "map"


def parse_toml(text: str) -> dict[str, Any]:
    """Parse a document.

    Raises:
        SpinError: a syntax error, shown with its line.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _SYNTAX_PLACE.search(message)
        if place is None or place[1] is None:
            lines = text.splitlines() or [""]
            line, column = len(lines), len(lines[-1]) + 1
        else:
            line, column = int(place[1]), int(place[2])
        raise SpinError(_shown(text, line, column, 1, message[: place.start()] if place else message)) from None


def explain(error: InvalidValueError, text: str) -> SpinError:
    """An invalid value as an error that shows its line."""
    line, column, width = _locate(text, error.path)
    return SpinError(_shown(text, line, column, width, str(error)))


def _shown(text: str, line: int, column: int, width: int, message: str) -> str:
    lines = text.splitlines()
    source = lines[line - 1] if line <= len(lines) else ""
    margin = " " * len(str(line))
    marker = " " * (column - 1) + "^" * max(1, width)
    return (
        f"TOML parse error at line {line}, column {column}\n"
        f"{margin} |\n{line} | {source}\n{margin} | {marker}\n{message}"
    )


def _locate(text: str, path: Path) -> tuple[int, int, int]:
    """Line, column and width of the key or header that defines ``path``, or the nearest table around it."""
    places: dict[Path, tuple[int, int, int]] = {}
    for place, where in _definitions(text):
        places.setdefault(place, where)
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return 1, 1, 1


def _definitions(text: str) -> Iterator[tuple[Path, tuple[int, int, int]]]:
    header: Path = ()
    counts: dict[Path, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            keys = _keys(stripped.split("#")[0])
            if keys:
                header = keys
                if stripped.startswith("[["):
                    counts[keys] = counts.get(keys, -1) + 1
                    header = (*keys, counts[keys])
                where = (number, line.index("[") + 1, len(stripped))
                yield header, where
                yield from ((keys[:length], where) for length in range(1, len(keys)))
        elif match := _KEY.match(line):
            inner = _keys(f"{match[1]} = 0")
            for length in range(1, len(inner) + 1):
                yield (*header, *inner[:length]), (number, match.start(1) + 1, len(match[1]))


def _keys(line: str) -> tuple[str, ...]:
    """Keys of a header or key line, in order, read by the TOML parser itself."""
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(value, dict) and value:
        (key, value), *_ = value.items()
        keys.append(key)
        if isinstance(value, list):
            break
    return tuple(keys)
