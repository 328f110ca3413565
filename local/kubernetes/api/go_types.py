"""What a Go program makes of an object that it decodes and encodes again, as every mutating webhook does.

Fields that Go's encoder writes though nobody set them appear (structs, and fields without ``omitempty``: a list as
null), quantities become canonical, and values of the wrong type are refused in the decoder's words.

The types are a table (``crds/go_types.json``): each struct's JSON fields with the Go type and whether empty values are
left out, and what named types stand for. Its README says where it comes from. Rules: Go's ``encoding/json`` and
sigs.k8s.io/json (decoder), k8s.io/apimachinery `pkg/api/resource/quantity.go` (quantities).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from local.kubernetes.api.quantities import canonical_quantity

_TABLE = Path(__file__).with_name("crds") / "go_types.json"
_QUANTITY = "resource.Quantity"
_MAP = "map[string]"
_INTEGER_BITS = {"int32": 32, "int64": 64, "int": 64}


class GoDecodingError(ValueError):
    """A value that does not fit its Go type. The message is the decoder's."""


def round_trip(root: str, field: str, value: Any) -> Any:
    """``value``, the ``field`` of an object of the Go type ``root``, decoded and encoded again.

    Raises
    ------
    GoDecodingError
        A value has the wrong type; the first in the order of the sorted keys, as API servers send them. A
        malformed quantity comes before all others.
    """
    walk = _Walk()
    result = walk.convert(f"v1alpha1.{root}Spec", value, (root, field))
    if walk.error:
        raise GoDecodingError(walk.error)
    return result


def overlay(sent: Any, encoded: Any) -> Any:
    """``sent`` after the webhook's patch: what Go wrote wins, and what it left out stays.

    The patch is the difference between both without its removals (sigs.k8s.io/controller-runtime
    `pkg/webhook/admission/defaulter_custom.go`, ``dropSchemeRemovals``).
    """
    if isinstance(sent, dict) and isinstance(encoded, dict):
        return {**sent, **{key: overlay(sent.get(key), value) for key, value in encoded.items()}}
    if isinstance(sent, list) and isinstance(encoded, list) and len(sent) == len(encoded):
        return [overlay(before, after) for before, after in zip(sent, encoded, strict=True)]
    return encoded


@cache
def _types() -> dict[str, dict[str, str] | str]:
    table: dict[str, dict[str, str] | str] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table


class _Walk:
    """One way through an object. Keeps the first wrong type and goes on, as the decoder does."""

    def __init__(self) -> None:
        self.error = ""

    def convert(self, named: str, value: Any, place: tuple[str, str]) -> Any:
        """``value`` as Go encodes it. ``place``: the struct whose field it is in, and the field's path."""
        if named.startswith("*"):
            return None if value is None else self.convert(named[1:], value, place)
        kind = _types().get(named, named)
        if isinstance(kind, dict):
            return self._struct(named, kind, value, place)
        if kind == _QUANTITY:
            return _quantity(value)
        if kind.startswith(("[]", _MAP)):
            return self._collection(kind, named, value, place)
        return self._scalar(kind, named, value, place)

    def _collection(self, kind: str, named: str, value: Any, place: tuple[str, str]) -> Any:
        expected = dict if kind.startswith(_MAP) else list
        if value is None or not self._is(isinstance(value, expected), named, value, place):
            return None
        if expected is list:
            return [self.convert(kind[2:], item, place) for item in value]
        return {key: self.convert(kind[len(_MAP) :], item, place) for key, item in sorted(value.items())}

    def _struct(self, named: str, fields: dict[str, str], value: Any, place: tuple[str, str]) -> dict[str, Any]:
        if value is not None and not self._is(isinstance(value, dict), named, value, place):
            value = None
        given: dict[str, Any] = value or {}
        encoded: dict[str, Any] = {}
        for name, declared in sorted(fields.items()):
            kind, _, option = declared.partition(" ")
            here = (named.partition(".")[2], f"{place[1]}.{name}")
            encoded[name] = self.convert(kind, given.get(name), here)
            if option and _is_empty(kind, encoded[name]):
                del encoded[name]
        return encoded

    def _scalar(self, kind: str, named: str, value: Any, place: tuple[str, str]) -> Any:
        if kind == "string":
            return value if value is not None and self._is(isinstance(value, str), named, value, place) else ""
        if kind == "bool":
            return value is not None and self._is(isinstance(value, bool), named, value, place) and value
        if bits := _INTEGER_BITS.get(kind):
            whole = isinstance(value, int) and not isinstance(value, bool)
            fits = whole and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
            return value if value is not None and self._is(fits, named, value, place, exact=True) else 0
        return value  # types with an encoding of their own, such as times

    def _is(self, fits: bool, named: str, value: Any, place: tuple[str, str], *, exact: bool = False) -> bool:
        if not fits and not self.error:
            shown = _json_kind(value)
            if exact and shown == "number":
                shown = f"number {json.dumps(value)}"
            field = ".".join(place)
            self.error = f"json: cannot unmarshal {shown} into Go struct field {field} of type {named}"
        return fits


def _is_empty(kind: str, value: Any) -> bool:
    """Whether Go's encoder leaves the value out with ``omitempty``: a pointer only when it is nil, a struct never."""
    if kind.startswith("*"):
        return value is None
    known = _types().get(kind)
    is_struct = isinstance(known, dict) or ("." in kind and known is None and "[" not in kind)
    return not is_struct and value in (None, "", 0, False, [], {})


def _quantity(value: Any) -> str:
    if value is None:
        return "0"
    text = value.strip() if isinstance(value, str) else json.dumps(value)
    try:
        return canonical_quantity(text)
    except ValueError as error:
        raise GoDecodingError(str(error)) from error


def _json_kind(value: Any) -> str:
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "bool"),
        (str, "string"),
        ((int, float), "number"),
        (list, "array"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")
