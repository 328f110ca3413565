"""Typed reading of TOML tables, with errors in serde's words that name the key."""

import tomllib
from typing import Any

from builder.source.serde import described

from local.spin_cli.terminal import SpinError

Path = tuple[str | int, ...]


class InvalidValueError(SpinError):
    """A value has the wrong shape; ``path`` leads to it from the root of the document."""

    def __init__(self, message: str, path: Path) -> None:
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
        super().__init__(f"TOML parse error at {place}: {message}" if place else f"TOML parse error: {message}")


class Table:
    """One TOML table being read. `close` rejects keys that nobody asked for."""

    def __init__(self, value: Any, path: Path, expected: str = "a table") -> None:
        if not isinstance(value, dict):
            raise InvalidValueError(f"invalid type: {described(value)}, expected {expected}", path)
        self.values: dict[str, Any] = value
        self.path = path
        self._asked: list[str] = []

    def raw(self, key: str) -> Any:
        """Return the value as parsed; None when absent (TOML has no null)."""
        self._asked.append(key)
        return self.values.get(key)

    def required(self, key: str) -> Any:
        """Return the value as parsed; an error when absent."""
        value = self.raw(key)
        if value is None:
            raise InvalidValueError(f"missing field `{key}`", self.path)
        return value

    def text(self, key: str) -> str:
        """Return a string; empty when absent."""
        return self.optional_text(key) or ""

    def optional_text(self, key: str) -> str | None:
        """Return a string; None when absent."""
        value = self.raw(key)
        return None if value is None else as_text(value, (*self.path, key))

    def required_text(self, key: str) -> str:
        """Return a string; an error when absent."""
        return as_text(self.required(key), (*self.path, key))

    def flag(self, key: str) -> bool:
        """Return a boolean; false when absent."""
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            raise InvalidValueError(f"invalid type: {described(value)}, expected a boolean", (*self.path, key))
        return bool(value)

    def items(self, key: str) -> list[Any]:
        """Return an array; empty when absent."""
        value = self.raw(key)
        if value is not None and not isinstance(value, list):
            raise InvalidValueError(f"invalid type: {described(value)}, expected a sequence", (*self.path, key))
        return value or []

    def texts(self, key: str) -> list[str]:
        """Return an array of strings; empty when absent."""
        return [as_text(item, (*self.path, key)) for item in self.items(key)]

    def table(self, key: str) -> "Table":
        """Return a table inside; an empty one when absent."""
        value = self.raw(key)
        return Table({} if value is None else value, (*self.path, key), "a map")

    def tables(self, key: str) -> dict[str, dict[str, Any]]:
        """Return a table of tables; empty when absent."""
        inner = self.table(key)
        return {name: Table(value, (*inner.path, name), "a map").values for name, value in inner.values.items()}

    def text_map(self, key: str) -> dict[str, str]:
        """Return a table of strings; empty when absent."""
        inner = self.table(key)
        return {name: as_text(value, (*inner.path, name)) for name, value in inner.values.items()}

    def close(self) -> None:
        """Reject what was not asked for."""
        for key in self.values:
            if key not in self._asked:
                known = ", ".join(f"`{name}`" for name in self._asked)
                raise InvalidValueError(f"unknown field `{key}`, expected one of {known}", self.path)


def as_text(value: Any, path: Path) -> str:
    """Return the value if it is a string."""
    if not isinstance(value, str):
        raise InvalidValueError(f"invalid type: {described(value)}, expected a string", path)
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """Parse a document.

    Raises
    ------
    SpinError
        A syntax error, with its line and column.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpinError(f"TOML parse error: {error}") from None
