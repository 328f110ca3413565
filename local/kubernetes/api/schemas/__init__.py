"""Structural schemas, and how to walk them.

The built-in kinds' schemas are in `builtin.json`, made of Kubernetes' own OpenAPI documents
(`conformance.control_plane.schemas`); custom resources bring their own. Both have the same shape, the subset of OpenAPI
v3 that structural schemas use, so that validation, strategic merge and server-side apply each need one walker.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

FILE = Path(__file__).with_name("builtin.json")
BUILTIN: dict[str, Schema] = json.loads(FILE.read_text(encoding="utf-8"))


def resolve(schema: Schema) -> Schema:
    """Follow a ``$ref`` to a built-in type."""
    return BUILTIN[schema["$ref"]] if "$ref" in schema else schema


def property_schema(schema: Schema, name: str) -> Schema | None:
    """Return the schema of an object's field; `None` when the schema does not know the field."""
    properties = schema.get("properties", {})
    if name in properties:
        return resolve(properties[name])
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        return resolve(additional)
    return {} if keeps_unknown(schema) else None


def item_schema(schema: Schema) -> Schema:
    """Return the schema of a list's items."""
    return resolve(schema.get("items", {}))


def keeps_unknown(schema: Schema) -> bool:
    """Whether fields that the schema does not name stay in the object."""
    if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("additionalProperties") is True:
        return True
    return not schema.get("properties") and "additionalProperties" not in schema
