"""Key-value stores, kept in one SQLite file that all pods of an app share and that survives their updates."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from local.spin_host import sqlite_files

FILE_NAME: Final = "key_value.db"

_INT64_BYTES: Final = 8


class StoreFailure(Exception):  # noqa: N818  # reported to the guest, not raised to the caller's caller
    """The store's file could not be read or written."""


class NotANumberError(Exception):
    """`KeyValueStore.increment` met a value that is not an 8-byte integer."""


class KeyValueFile:
    """The file behind all stores of an app, opened once per process."""

    def __init__(self, state_dir: Path) -> None:
        """Open the file; raise `sqlite3.Error` when that cannot be done."""
        self._lock = threading.RLock()
        self._connection = sqlite_files.connect(state_dir / FILE_NAME)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
            " PRIMARY KEY (store, key)) WITHOUT ROWID"
        )

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement."""
        with self._failures(), self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let the statements inside happen together or not at all, without another process's writes in between."""
        with self._failures(), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreFailure(f"key-value store: {error}") from error


class KeyValueStore:
    """One named store."""

    def __init__(self, file: KeyValueFile, label: str) -> None:
        self._file = file
        self._label = label

    def get(self, key: str) -> bytes | None:
        """Return the value of ``key``; None when it has none."""
        rows = self._file.query("SELECT value FROM spin_key_value WHERE store = ? AND key = ?", self._label, key)
        return bytes(rows[0][0]) if rows else None

    def keys(self) -> list[str]:
        """Every key, sorted."""
        rows = self._file.query("SELECT key FROM spin_key_value WHERE store = ? ORDER BY key", self._label)
        return [row[0] for row in rows]

    def set_many(self, pairs: list[tuple[str, bytes]]) -> None:
        """Set all pairs, or none."""
        with self._file.transaction():
            for key, value in pairs:
                self._put(key, value)

    def delete_many(self, keys: list[str]) -> None:
        """Delete all keys, or none; absent ones are fine."""
        with self._file.transaction():
            for key in keys:
                self._file.query("DELETE FROM spin_key_value WHERE store = ? AND key = ?", self._label, key)

    def increment(self, key: str, delta: int) -> int:
        """Add to a signed 64-bit number (little-endian, absent counts as 0), in one step for all processes.

        Raises
        ------
        NotANumberError
            The value is of another length, or the sum leaves 64 bits.
        """
        with self._file.transaction():
            before = self.get(key)
            if before is not None and len(before) != _INT64_BYTES:
                raise NotANumberError(f"the value of {key!r} is not a 64-bit integer")
            total = (int.from_bytes(before, "little", signed=True) if before else 0) + delta
            try:
                after = total.to_bytes(_INT64_BYTES, "little", signed=True)
            except OverflowError:
                raise NotANumberError(f"the value of {key!r} would leave 64 bits") from None
            self._put(key, after)
            return total

    def swap(self, key: str, expected: bytes | None, value: bytes) -> bool:
        """Set ``key`` if its value still is ``expected``; tells whether it was."""
        with self._file.transaction():
            if self.get(key) != expected:
                return False
            self._put(key, value)
            return True

    def _put(self, key: str, value: bytes) -> None:
        self._file.query("INSERT OR REPLACE INTO spin_key_value VALUES (?, ?, ?)", self._label, key, value)
