"""Protobuf's wire format, read with tables in place of compiled message types.

A table maps a field number to the field's JSON name and the reader of its value. `protobuf_kinds.py` has the tables.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from local.kubernetes.api.errors import ApiError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Reader = Callable[[Any], Any]


def unsupported(what: str) -> ApiError:
    return ApiError(
        415,
        "UnsupportedMediaType",
        f'this server does not read "{what}" in protobuf form: send JSON or YAML (with kubectl: write the object to a '
        "file, for example by --dry-run=client -o yaml, and apply it)",
    )


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")


def fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(raw, position)
            yield tag >> 3, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, position = _varint(raw, position)
        if size is None or position + size > len(raw):
            raise ValueError("a field is cut off")
        yield tag >> 3, raw[position : position + size]
        position += size


class Repeated:
    """A list of messages or texts."""

    def __init__(self, item: Reader) -> None:
        self.item = item


class Map:
    """A map with text keys."""

    def __init__(self, value: Reader) -> None:
        self.value = value


Table = dict[int, tuple[str, Any]]


def message(table: Table) -> Reader:
    """A reader of one message type. Fields left at their zero value by the sender are left out."""

    def read(raw: bytes) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for number, value in fields(raw):
            if number not in table:
                raise unsupported(f"field {number} beside {', '.join(name for name, _ in table.values())}")
            name, reader = table[number]
            if isinstance(reader, Repeated):
                result.setdefault(name, []).append(reader.item(value))
            elif isinstance(reader, Map):
                entry = dict(fields(value))
                result.setdefault(name, {})[text(entry.get(1, b""))] = reader.value(entry.get(2, b""))
            elif (item := reader(value)) not in ("", {}, None):
                result[name] = item
        return result

    return read


def text(raw: bytes) -> str:
    return raw.decode()


def integer(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def base64_text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def nothing(_value: Any) -> None:
    """A status or a time: the server sets it itself."""
