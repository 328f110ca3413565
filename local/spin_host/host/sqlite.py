"""``spin:sqlite@3.0.0`` and ``fermyon:spin/sqlite@2.0.0``: one SQLite file per database of the app.

A database that the component does not declare in ``sqlite_databases`` is ``access-denied``, as in Spin. A statement
stays inside its own file: attaching another one is refused.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

from wasmtime.component import Variant

from local.spin_host import sqlite_files
from local.spin_host.host.abi import GuestTimeout, HostFunction, Interface, RequestContext, Resource, err, ok, record

_STEPS_BETWEEN_CHECKS: Final = 10_000
_TOUCH_OTHER_FILES: Final = frozenset({"temp_store_directory", "data_store_directory"})
_DENIED: Final = Variant("access-denied")


class Connection(Resource):
    """An open database."""

    def __init__(self, path: Path) -> None:
        self.database = sqlite_files.connect(path)
        self.database.set_authorizer(_authorize)

    def close(self) -> None:
        """Close the database."""
        self.database.close()


class ConnectionV2(Connection, Resource):
    """The same under the older interface."""


def _authorize(action: int, first: str | None, _second: str | None, _database: str | None, _by: str | None) -> int:
    # VACUUM attaches a nameless temporary database; every other ATTACH names a file of this machine, or hides its name.
    if action == sqlite3.SQLITE_ATTACH and first != "":
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _TOUCH_OTHER_FILES:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _open(kind: type[Connection]) -> HostFunction:
    def open_connection(context: RequestContext, label: str) -> Variant:
        path = context.services.databases.get(label)
        if path is None:
            return err(_DENIED)
        try:
            return ok(context.own(kind(path)))
        except (sqlite3.Error, OSError) as error:
            return err(Variant("io", f"cannot open database {label!r}: {type(error).__name__}"))

    return open_connection


def _execute(context: RequestContext, connection: Connection, statement: str, parameters: list[Variant]) -> Variant:
    database = connection.database
    database.set_progress_handler(lambda: context.remaining() <= 0, _STEPS_BETWEEN_CHECKS)
    try:
        cursor = database.execute(statement, [value.payload for value in parameters])
        rows = [record(values=[_value(cell) for cell in row]) for row in cursor]
        columns = [column[0] for column in cursor.description or ()]
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        if context.remaining() <= 0:
            raise GuestTimeout from None
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        return err(Variant("database-full") if full else Variant("io", str(error)))
    return ok(record(columns=columns, rows=rows))


def _value(cell: Any) -> Variant:
    """Write a cell as WIT's ``value``; SQLite has exactly these five types."""
    match cell:
        case None:
            return Variant("null")
        case int():
            return Variant("integer", cell)
        case float():
            return Variant("real", cell)
        case str():
            return Variant("text", cell)
        case _:
            return Variant("blob", bytes(cell))


def _number(expression: str) -> HostFunction:
    return lambda _, connection: int(connection.database.execute(f"SELECT {expression}").fetchone()[0])


INTERFACES: Final = (
    Interface(
        "spin:sqlite/sqlite@3.0.0",
        {"connection": Connection},
        {
            "[static]connection.open": _open(Connection),
            "[method]connection.execute": _execute,
            "[method]connection.last-insert-rowid": _number("last_insert_rowid()"),
            "[method]connection.changes": _number("changes()"),
        },
    ),
    Interface(
        "fermyon:spin/sqlite@2.0.0",
        {"connection": ConnectionV2},
        {"[static]connection.open": _open(ConnectionV2), "[method]connection.execute": _execute},
    ),
)
