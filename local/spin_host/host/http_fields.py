"""``fields`` of ``wasi:http/types@0.2.0``: the headers of a message, with the rules a guest must keep."""

import re
from typing import Final

from wasmtime.component import Variant

from local.spin_host.host.abi import Interface, RequestContext, Resource, err, ok
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

types: Final = Interface("wasi:http/types@0.2.0")
"""One WIT interface that is too large for one file: `http_types` and `http_outgoing` add to it."""

_INVALID: Final = Variant("invalid-syntax")
_FORBIDDEN: Final = Variant("forbidden")
_IMMUTABLE: Final = Variant("immutable")


class Fields(Resource):
    """Header or trailer fields."""

    def __init__(self, entries: Headers, mutable: bool = True) -> None:
        self.entries = entries
        self.mutable = mutable

    def fault(self, name: str, values: list[bytes]) -> Variant | None:
        """Find the ``header-error`` that setting these would be; None when it is fine."""
        if not self.mutable:
            return _IMMUTABLE
        if not _NAME.fullmatch(name) or any(_BAD_VALUE.search(value) for value in values):
            return _INVALID
        return _FORBIDDEN if name.lower() in FORBIDDEN else None

    def get(self, name: str) -> list[bytes]:
        """Every value of ``name``."""
        return [value for key, value in self.entries if key == name.lower()]

    def put(self, name: str, values: list[bytes]) -> None:
        """Replace every value of ``name``."""
        key = name.lower()
        self.entries = [entry for entry in self.entries if entry[0] != key] + [(key, value) for value in values]


def visible(headers: Headers) -> Headers:
    """``headers`` without those of the connection."""
    return [(name, value) for name, value in headers if name not in FORBIDDEN]


def _from_list(context: RequestContext, entries: Headers) -> Variant:
    fields = Fields([])
    for name, value in entries:
        if fault := fields.fault(name, [value]):
            return err(fault)
        fields.entries.append((name.lower(), value))
    return ok(context.own(fields))


def _set(_context: RequestContext, fields: Fields, name: str, values: list[bytes]) -> Variant:
    if fault := fields.fault(name, values):
        return err(fault)
    fields.put(name, values)
    return ok()


def _append(_context: RequestContext, fields: Fields, name: str, value: bytes) -> Variant:
    if fault := fields.fault(name, [value]):
        return err(fault)
    fields.entries.append((name.lower(), value))
    return ok()


types.resources["fields"] = Fields
types.functions.update(
    {
        "[constructor]fields": lambda context: context.own(Fields([])),
        "[static]fields.from-list": _from_list,
        "[method]fields.get": lambda _, fields, name: fields.get(name),
        "[method]fields.has": lambda _, fields, name: bool(fields.get(name)),
        "[method]fields.set": _set,
        "[method]fields.delete": lambda context, fields, name: _set(context, fields, name, []),
        "[method]fields.append": _append,
        "[method]fields.entries": lambda _, fields: list(fields.entries),
        "[method]fields.clone": lambda context, fields: context.own(Fields(list(fields.entries))),
    }
)
