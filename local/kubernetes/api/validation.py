"""Objects against their structural schema: what the decoder drops and fills in, and what validation refuses.

Two walks, as in the real server: `prune` runs on every object that comes in, before mutating admission;
`validate` runs after it. Messages follow k8s.io/kube-openapi `pkg/validation` and apiextensions-apiserver.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from local.kubernetes.api.errors import FieldError, go_value, invalid_value, required_value, too_long, unsupported_value
from local.kubernetes.api.quantities import BAD_QUANTITY, parse_quantity
from local.kubernetes.api.schemas import Schema, item_schema, keeps_unknown, property_schema, resolve

TYPE_INVALID = "FieldValueTypeInvalid"
_INT_OR_STRING = "integer,string"
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    _INT_OR_STRING: (int, str),
}
_INTEGER_BITS = {"int32": 32, "int64": 64}


def prune(schema: Schema, obj: dict[str, Any], *, defaults: bool = True) -> tuple[dict[str, Any], list[str]]:
    """Copy without unknown fields and nulls, with defaults unless told not to; answer also what was unknown."""
    unknown: list[str] = []
    pruned: dict[str, Any] = _prune(schema, obj, "", unknown, defaults)
    return pruned, unknown


def _prune(schema: Schema, value: Any, path: str, unknown: list[str], defaults: bool) -> Any:
    if isinstance(value, list):
        items = item_schema(schema)
        return [_prune(items, item, f"{path}[{index}]", unknown, defaults) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, item in value.items():
        field, where = property_schema(schema, key), f"{path}.{key}" if path else key
        if field is None:
            unknown.append(where)
        elif item is not None or field.get("nullable") or keeps_unknown(schema):
            result[key] = _prune(field, item, where, unknown, defaults)
    return {**result, **_defaults(schema, result)} if defaults else result


def _defaults(schema: Schema, obj: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults of fields that an object lacks, and the defaults within them."""
    properties = schema.get("properties", {})
    missing = {key: field for key, field in properties.items() if "default" in field and key not in obj}
    return {
        key: _prune(resolve(field), copy.deepcopy(field["default"]), "", [], True) for key, field in missing.items()
    }


def validate(schema: Schema, obj: dict[str, Any]) -> list[FieldError]:
    """Everything in the object that its schema does not allow."""
    errors: list[FieldError] = []
    _validate(schema, obj, "", errors)
    return errors


def _validate(schema: Schema, value: Any, path: str, errors: list[FieldError]) -> None:
    if value is None and schema.get("nullable"):
        return
    expected = _INT_OR_STRING if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if schema.get("format") == "quantity":
        errors += _quantity_errors(value, path)
    elif expected and not _is_type(value, expected):
        shown = go_value(_type_name(value))
        why = f"{path} in body must be of type {expected}: {shown}"
        errors.append(FieldError(TYPE_INVALID, path, f"Invalid value: {shown}: {why}"))
    else:
        errors += _limit_errors(schema, value, path)
        _validate_children(schema, value, path, errors)


def _validate_children(schema: Schema, value: Any, path: str, errors: list[FieldError]) -> None:
    if isinstance(value, list):
        items = item_schema(schema)
        for index, item in enumerate(value):
            _validate(items, item, f"{path}[{index}]", errors)
    elif isinstance(value, dict):
        prefix = f"{path}." if path else ""
        errors += [required_value(prefix + key) for key in schema.get("required", ()) if key not in value]
        for key, item in value.items():
            field = property_schema(schema, key)
            if field is not None:
                _validate(field, item, prefix + key, errors)


def _is_type(value: Any, expected: str) -> bool:
    if isinstance(value, bool):
        return expected == "boolean"
    if expected == "integer" and isinstance(value, float):
        return value.is_integer()  # JSON has one number type: 3.0 is an integer
    return isinstance(value, _PYTHON_TYPES[expected])


def _type_name(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    return next(name for name, kind in _PYTHON_TYPES.items() if isinstance(value, kind))


def _quantity_errors(value: Any, path: str) -> list[FieldError]:
    try:
        parse_quantity(value)
    except ValueError:
        return [FieldError(TYPE_INVALID, path, BAD_QUANTITY)]
    return []


def _limit_errors(schema: Schema, value: Any, path: str) -> list[FieldError]:
    limits = [(_LIMITS[keyword], limit) for keyword, limit in schema.items() if keyword in _LIMITS]
    return [
        error(path, value, limit)
        for (kind, is_broken, error), limit in limits
        if isinstance(value, kind) and is_broken(value, limit)
    ]


def _overflows(value: float, form: str) -> bool:
    bits = _INTEGER_BITS.get(form)
    return bits is not None and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


def _in_body(words: str, shown: Callable[[Any], Any] = lambda value: value) -> Callable[[str, Any, Any], FieldError]:
    return lambda path, value, limit: invalid_value(path, shown(value), f"{path} in body {words.format(limit)}")


# Keyword to the type of the values that it limits, whether a value breaks the limit, and the error then.
_LIMITS: dict[str, tuple[Any, Callable[[Any, Any], bool], Callable[[str, Any, Any], FieldError]]] = {
    "enum": (object, lambda value, allowed: value not in allowed, unsupported_value),
    "maxProperties": (
        dict,
        lambda value, most: len(value) > most,
        lambda path, value, most: invalid_value(path, len(value), f"must have at most {most} items"),
    ),
    "minItems": (list, lambda value, least: len(value) < least, _in_body("should have at least {} items", len)),
    "maxItems": (
        list,
        lambda value, most: len(value) > most,
        lambda path, value, most: FieldError(
            "FieldValueTooMany", path, f"Too many: {len(value)}: must have at most {most} items"
        ),
    ),
    "pattern": (str, lambda value, pattern: not re.search(pattern, value), _in_body("should match '{}'")),
    "minLength": (str, lambda value, least: len(value) < least, _in_body("should be at least {} chars long")),
    "maxLength": (
        str,
        lambda value, most: len(value) > most,
        lambda path, _value, most: too_long(path, most),
    ),
    "minimum": ((int, float), lambda value, least: value < least, _in_body("should be greater than or equal to {}")),
    "maximum": ((int, float), lambda value, most: value > most, _in_body("should be less than or equal to {}")),
    "format": (
        (int, float),
        _overflows,
        lambda path, value, form: invalid_value(
            path, value, f"{path} in body must be of type {form}: {go_value(value)}"
        ),
    ),
}
