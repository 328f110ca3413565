"""Sets of fields as managedFields names them (FieldsV1).

A field is a path whose steps are written as in FieldsV1: ``f:name`` for a key, ``k:{"name":"c"}`` for an item of a
keyed list, ``v:"x"`` for a member of a set. Lists without keys and maps marked atomic are one field.
Format: sigs.k8s.io/structured-merge-diff `fieldpath`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from local.kubernetes.api.schemas import Schema, item_schema, property_schema

Path = tuple[str, ...]
_SELF = "."

# What the server itself writes: never owned by a client.
_UNOWNED_METADATA = [
    "name",
    "namespace",
    "managedFields",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
]
_UNOWNED: set[Path] = {("f:apiVersion",), ("f:kind",), *(("f:metadata", f"f:{name}") for name in _UNOWNED_METADATA)}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def is_item(path: Path) -> bool:
    """Whether the path names a whole item of a list (which several managers may hold at once)."""
    return path[-1][:2] in ("k:", "v:")


def is_item_key(path: Path) -> bool:
    """Whether the path is one of the keys by which an item of a keyed list is known."""
    return len(path) > 1 and path[-2].startswith("k:") and path[-1][2:] in json.loads(path[-2][2:])


def list_keys(schema: Schema) -> list[str] | None:
    """Return the keys of a keyed list; `None` for every other list."""
    if schema.get("x-kubernetes-list-type") == "map":
        return list(schema["x-kubernetes-list-map-keys"])
    return None


def item_step(schema: Schema, item: Any) -> str | None:
    """Return the step that names an item of this keyed list; `None` when the item lacks its keys."""
    keys, items = list_keys(schema), item_schema(schema)
    if keys is None or not isinstance(item, dict):
        return None
    identity = {}
    for key in keys:
        default = (property_schema(items, key) or {}).get("default")
        if (value := item.get(key, default)) is not None:
            identity[key] = value
    return "k:" + _compact(identity) if identity else None


def owned_fields(schema: Schema, obj: dict[str, Any], status: bool | None) -> dict[Path, Any]:
    """Return the fields of an object with their values.

    `status`: only the status (True), everything but it (False), or both (None, for kinds without that subresource).
    """
    found: dict[Path, Any] = {}
    for path, value in _leaves(schema, obj, ()):
        in_status = path[0] == "f:status"
        if path not in _UNOWNED and path[:2] not in _UNOWNED and (status is None or status == in_status):
            found[path] = value
    return found


def _leaves(schema: Schema, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and schema.get("x-kubernetes-map-type") != "atomic":
        for key, item in value.items():
            yield from _leaves(property_schema(schema, key) or {}, item, (*path, f"f:{key}"))
    elif isinstance(value, list) and value and (list_keys(schema) or schema.get("x-kubernetes-list-type") == "set"):
        for item in value:
            yield from _item_leaves(schema, item, path)
    else:
        yield path, value


def _item_leaves(schema: Schema, item: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    step = item_step(schema, item)
    if step is None:
        yield (*path, "v:" + _compact(item)), item
        return
    yield (*path, step), None  # the item itself
    for key, inner in item.items():
        yield from _leaves(property_schema(item_schema(schema), key) or {}, inner, (*path, step, f"f:{key}"))


def encode(paths: Iterable[Path]) -> dict[str, Any]:
    """Paths as a FieldsV1 tree."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        if path[-1].startswith("k:"):
            node[_SELF] = {}
    return tree


def decode(tree: dict[str, Any]) -> set[Path]:
    """Decode a FieldsV1 tree as paths."""
    found: set[Path] = set()
    stack: list[tuple[Path, dict[str, Any]]] = [((), tree)]
    while stack:
        path, node = stack.pop()
        if not node and path:
            found.add(path)
        for step, inner in node.items():
            if step == _SELF:
                found.add(path)
            else:
                stack.append(((*path, step), inner))
    return found


def remove(schema: Schema, obj: dict[str, Any], path: Path) -> None:
    """Take a field out of `obj`, in place, and the maps that become empty with it."""
    step, rest = path[0], path[1:]
    key = step[2:]
    if key not in obj:
        return
    if not rest:
        del obj[key]
        return
    field = property_schema(schema, key) or {}
    inner = obj[key]
    if isinstance(inner, dict):
        remove(field, inner, rest)
        if not inner:
            del obj[key]
    elif isinstance(inner, list):
        _remove_from_list(field, inner, rest)
        if not inner:
            del obj[key]


def _remove_from_list(schema: Schema, items: list[Any], path: Path) -> None:
    step, rest = path[0], path[1:]
    for index, item in enumerate(items):
        if (item_step(schema, item) or "v:" + _compact(item)) != step:
            continue
        if rest:
            remove(item_schema(schema), item, rest)
        else:
            del items[index]
        return


def display(path: Path) -> str:
    """Write a path as conflict messages show it: ``.spec.template.spec.containers[name="c"].image``."""
    text = ""
    for step in path:
        kind, name = step[:2], step[2:]
        if kind == "f:":
            text += f".{name}"
        elif kind == "k:":
            text += "[" + ",".join(f"{key}={_compact(value)}" for key, value in json.loads(name).items()) + "]"
        else:
            text += f"[={name}]"
    return text
