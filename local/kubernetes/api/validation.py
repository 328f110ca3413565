"""Objects against their structural schema: what the decoder drops and fills in, and what validation refuses.

Two walks, as in the real server: `prune` runs on every object that comes in, before mutating admission;
`validate` runs after it. Messages follow k8s.io/kube-openapi `pkg/validation` and apiextensions-apiserver.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from local.kubernetes.api.errors import (
    FieldError,
    go_value,
    invalid_value,
    required_value,
    unsupported_value,
)
from local.kubernetes.api.quantities import BAD_QUANTITY, parse_quantity
from local.kubernetes.api.schemas import Schema, item_schema, keeps_unknown, property_schema, resolve

TYPE_INVALID = "FieldValueTypeInvalid"
_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_INTEGER_BITS = {"int32": 32, "int64": 64}


def prune(schema: Schema, obj: dict[str, Any], *, defaults: bool = True) -> tuple[dict[str, Any], list[str]]:
    """A copy without unknown fields and nulls, with defaults filled in unless told not to; and what was unknown."""
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
        field = property_schema(schema, key)
        where = f"{path}.{key}" if path else key
        if field is None:
            unknown.append(where)
        elif item is not None or field.get("nullable") or keeps_unknown(schema):
            result[key] = _prune(field, item, where, unknown, defaults)
    for key, field in schema.get("properties", {}).items() if defaults else ():
        if key not in result and "default" in field:
            result[key] = _prune(resolve(field), copy.deepcopy(field["default"]), path, unknown, defaults)
    return result


def validate(schema: Schema, obj: dict[str, Any]) -> list[FieldError]:
    """Everything in the object that its schema does not allow."""
    errors: list[FieldError] = []
    _validate(schema, obj, "", errors)
    return errors


def _validate(schema: Schema, value: Any, path: str, errors: list[FieldError]) -> None:
    if value is None and schema.get("nullable"):
        return
    if schema.get("format") == "quantity":
        _validate_quantity(value, path, errors)
        return
    if schema.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            errors.append(_type_error(path, "integer,string", value))
        else:
            _validate_string(schema, value, path, errors)
        return
    expected = schema.get("type")
    if expected and not _is_type(value, expected):
        errors.append(_type_error(path, expected, value))
        return
    if "enum" in schema and value not in schema["enum"]:
        errors.append(unsupported_value(path, value, schema["enum"]))
    if isinstance(value, dict):
        _validate_object(schema, value, path, errors)
    elif isinstance(value, list):
        _validate_array(schema, value, path, errors)
    elif isinstance(value, str):
        _validate_string(schema, value, path, errors)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        _validate_number(schema, value, path, errors)


def _is_type(value: Any, expected: str) -> bool:
    if isinstance(value, bool):
        return expected == "boolean"
    if expected == "integer" and isinstance(value, float):
        return value.is_integer()  # JSON has one number type: 3.0 is an integer
    return isinstance(value, _PYTHON_TYPES[expected])


def _type_error(path: str, expected: str, value: Any) -> FieldError:
    shown = go_value(_type_name(value))
    why = f"{path} in body must be of type {expected}: {shown}"
    return FieldError(TYPE_INVALID, path, f"Invalid value: {shown}: {why}")


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    return next(
        name
        for name, kind in [*_PYTHON_TYPES.items(), ("number", float)]
        if isinstance(value, kind) and not (isinstance(value, bool) and name != "boolean")
    )


def _validate_object(schema: Schema, value: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    prefix = f"{path}." if path else ""
    errors += [required_value(prefix + key) for key in schema.get("required", ()) if key not in value]
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        errors.append(invalid_value(path, len(value), f"must have at most {schema['maxProperties']} items"))
    for key, item in value.items():
        field = property_schema(schema, key)
        if field is not None:
            _validate(field, item, prefix + key, errors)


def _validate_array(schema: Schema, value: list[Any], path: str, errors: list[FieldError]) -> None:
    if "minItems" in schema and len(value) < schema["minItems"]:
        why = f"{path} in body should have at least {schema['minItems']} items"
        errors.append(invalid_value(path, len(value), why))
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        errors.append(
            FieldError(
                "FieldValueTooMany", path, f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
            )
        )
    items = item_schema(schema)
    for index, item in enumerate(value):
        _validate(items, item, f"{path}[{index}]", errors)


def _validate_string(schema: Schema, value: int | str, path: str, errors: list[FieldError]) -> None:
    if not isinstance(value, str):
        return
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        errors.append(invalid_value(path, value, f"{path} in body should match '{pattern}'"))
    if len(value) < schema.get("minLength", 0):
        why = f"{path} in body should be at least {schema['minLength']} chars long"
        errors.append(invalid_value(path, value, why))
    if len(value) > schema.get("maxLength", len(value)):
        errors.append(
            FieldError("FieldValueTooLong", path, f"Too long: may not be more than {schema['maxLength']} bytes")
        )


def _validate_number(schema: Schema, value: float, path: str, errors: list[FieldError]) -> None:
    if value < schema.get("minimum", value):
        why = f"{path} in body should be greater than or equal to {schema['minimum']}"
        errors.append(invalid_value(path, value, why))
    if value > schema.get("maximum", value):
        why = f"{path} in body should be less than or equal to {schema['maximum']}"
        errors.append(invalid_value(path, value, why))
    bits = _INTEGER_BITS.get(schema.get("format", ""))
    if bits and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        why = f"{path} in body must be of type {schema['format']}: {go_value(value)}"
        errors.append(invalid_value(path, value, why))


def _validate_quantity(value: Any, path: str, errors: list[FieldError]) -> None:
    try:
        parse_quantity(value)
    except ValueError:
        errors.append(FieldError(TYPE_INVALID, path, BAD_QUANTITY))
