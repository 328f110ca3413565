"""Tables: what `kubectl get` shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from local.kubernetes.api.cells import Column, Object, age, json_path, since
from local.kubernetes.api.printer_columns import COLUMNS, EVENT_COLUMNS, EVENT_KEY
from local.kubernetes.api.resources import Resource


def table(
    resource: Resource, objects: Sequence[Object], include: str, metadata: Object, headers: bool = True
) -> Object:
    """Objects as a `meta.k8s.io/v1` Table. `include`: ``None``, ``Metadata`` or ``Object`` beside each row."""
    columns = _columns(resource)
    rows = []
    for obj in objects:
        row: Object = {"cells": [column.cell(obj) for column in columns]}
        if include == "Object":
            row["object"] = obj
        else:
            row["object"] = None if include == "None" else partial_metadata(obj)
        rows.append(row)
    definitions = [
        {
            "name": c.name,
            "type": c.type,
            "format": "name" if c.name == "Name" else "",
            "description": "",
            "priority": c.priority,
        }
        for c in columns
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions if headers else None,
        "rows": rows,
    }


def partial_metadata(obj: Object) -> Object:
    """An object's metadata only."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _columns(resource: Resource) -> list[Column]:
    name, born = Column("Name", lambda obj: obj["metadata"]["name"]), Column("Age", age)
    if resource.key == EVENT_KEY:
        return EVENT_COLUMNS
    if resource.key in COLUMNS:
        narrow, wide = COLUMNS[resource.key]
        return [name, *narrow, born, *wide]
    custom = [
        Column(
            column["name"],
            _printer_cell(column["jsonPath"], column.get("type", "string")),
            column.get("type", "string"),
            column.get("priority", 0),
        )
        for column in resource.columns
    ]
    return [name, *custom] if custom else [name, born]


def _printer_cell(path: str, kind: str) -> Callable[[Object], Any]:
    def cell(obj: Object) -> Any:
        found = json_path(obj, path)
        value = found[0] if found else None
        return since(value) if kind == "date" and isinstance(value, str) else value

    return cell
