"""What a part keeps from one run to the next: pieces in an SQLite file, written in transactions.

A piece that was written is there after the process was killed or the machine lost power, and a transaction is there
whole or not at all (https://www.sqlite.org/atomiccommit.html).
"""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS pieces (kind TEXT, scope TEXT, id TEXT, value BLOB, PRIMARY KEY (kind, scope, id));
"""


class StateFileError(ValueError):
    """A file that cannot be read; the message says which and what to do about it."""


class Piece(NamedTuple):
    """Which piece: of what kind, within what, by which name there."""

    kind: str
    scope: str
    id: str


class StateFile:
    """The pieces of one part; usable from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it: for its owner only.

        Raises
        ------
        StateFileError
            It is not a database of SQLite, or is damaged.
        """
        path.touch(mode=0o600)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StateFileError(f"{path} holds no state that can be read ({error}); choose another folder") from None

    def read(self, kind: str) -> dict[Piece, bytes]:
        """Every piece of a kind."""
        with self._lock:
            rows = self._connection.execute("SELECT kind, scope, id, value FROM pieces WHERE kind = ?", (kind,))
            return {Piece(*row[:3]): bytes(row[3]) for row in rows}

    def write(self, pieces: Iterable[tuple[Piece, bytes | None]]) -> None:
        """Write pieces together; those without a value are removed.

        Raises
        ------
        OSError
            They cannot be written, all of them.
        """
        try:
            with self._lock, self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                for piece, value in pieces:
                    if value is None:
                        self._connection.execute("DELETE FROM pieces WHERE (kind, scope, id) = (?, ?, ?)", piece)
                    else:
                        self._connection.execute("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?)", (*piece, value))
        except sqlite3.Error as error:
            raise OSError(f"the state cannot be written: {error}") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
