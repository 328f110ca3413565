"""``fields`` of ``wasi:http/types@0.2.0``: the headers of a message, with the rules a guest must keep."""

import re
from typing import Final

from wasmtime.component import Variant

from local.spin_host.host.abi import RequestContext, Resource, err, ok
from local.spin_host.host.http_interface import types
from local.spin_host.messages import Headers

FORBIDDEN: Final = frozenset(
    {
        "connection",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of the connection, which belong to the host: guests neither see nor set them (wasmtime-wasi-http's list)."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_INVALID: Final = Variant("invalid-syntax")
_FORBIDDEN: Final = Variant("forbidden")
_IMMUTABLE: Final = Variant("immutable")


class Fields(Resource):
    """Header or trailer fields."""

    def __init__(self, entries: Headers, mutable: bool = True) -> None:
        self.entries = entries
        self.mutable = mutable

    def fault(self, name: str, values: list[bytes]) -> Variant | None:
        """The ``header-error`` that setting these would be, None when it is fine."""
        if not self.mutable:
            return _IMMUTABLE
        if not _NAME.fullmatch(name) or any(_BAD_VALUE.search(value) for value in values):
            return _INVALID
        return _FORBIDDEN if name.lower() in FORBIDDEN else None

    def put(self, name: str, values: list[bytes]) -> None:
        """Replace every value of ``name``."""
        key = name.lower()
        self.entries = [entry for entry in self.entries if entry[0] != key] + [(key, value) for value in values]


def visible(headers: Headers) -> Headers:
    """``headers`` without those of the connection."""
    return [(name, value) for name, value in headers if name not in FORBIDDEN]


@types.function("[constructor]fields")
def _new(context: RequestContext) -> object:
    return context.own(Fields([]))


@types.function("[static]fields.from-list")
def _from_list(context: RequestContext, entries: Headers) -> Variant:
    fields = Fields([])
    for name, value in entries:
        if fault := fields.fault(name, [value]):
            return err(fault)
        fields.entries.append((name.lower(), value))
    return ok(context.own(fields))


@types.function("[method]fields.get")
def _get(_context: RequestContext, fields: Fields, name: str) -> list[bytes]:
    return [value for key, value in fields.entries if key == name.lower()]


@types.function("[method]fields.has")
def _has(_context: RequestContext, fields: Fields, name: str) -> bool:
    return any(key == name.lower() for key, _ in fields.entries)


@types.function("[method]fields.set")
def _set(_context: RequestContext, fields: Fields, name: str, values: list[bytes]) -> Variant:
    if fault := fields.fault(name, values):
        return err(fault)
    fields.put(name, values)
    return ok()


@types.function("[method]fields.delete")
def _delete(context: RequestContext, fields: Fields, name: str) -> Variant:
    return _set(context, fields, name, [])


@types.function("[method]fields.append")
def _append(_context: RequestContext, fields: Fields, name: str, value: bytes) -> Variant:
    if fault := fields.fault(name, [value]):
        return err(fault)
    fields.entries.append((name.lower(), value))
    return ok()


@types.function("[method]fields.entries")
def _entries(_context: RequestContext, fields: Fields) -> Headers:
    return list(fields.entries)


@types.function("[method]fields.clone")
def _clone(context: RequestContext, fields: Fields) -> object:
    return context.own(Fields(list(fields.entries)))


types.resources["fields"] = Fields
