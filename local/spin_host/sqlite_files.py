"""Opening the SQLite files that keep an app's state, in the way that several pods of one app can share them."""

import sqlite3
from pathlib import Path
from typing import Final

BUSY_SECONDS: Final = 5.0
"""How long a write waits for another process's write."""


def connect(path: Path) -> sqlite3.Connection:
    """Open ``path`` (created if need be, readable by its owner only) for use from any one thread at a time.

    Write-ahead logging lets readers go on while another process writes. Every statement is its own transaction unless
    ``BEGIN`` says otherwise.

    Raises
    ------
    sqlite3.Error
        The file is not a database or cannot be opened.
    """
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
