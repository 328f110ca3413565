"""Server-side apply: who manages which field, conflicts between managers, and the merge of an applied configuration.

Rules: <https://kubernetes.io/docs/reference/using-api/server-side-apply/>; wording: k8s.io/apimachinery
`pkg/util/managedfields`.
"""

from __future__ import annotations

import copy
from typing import Any

from local.kubernetes.api import field_sets
from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import ApiError, go_value
from local.kubernetes.api.field_sets import Path
from local.kubernetes.api.schemas import Schema, item_schema, property_schema

Entry = dict[str, Any]


def apply_configuration(
    schema: Schema,
    live: dict[str, Any],
    config: dict[str, Any],
    wanted: dict[Path, Any],
    current: dict[Path, Any],
    *,
    manager: str,
    subresource: str,
    force: bool,
) -> dict[str, Any]:
    """Apply `config` of `manager` to the live object.

    `wanted` and `current` are the owned fields of config and live object. Raises ApiError 409 when another manager
    holds a field with a different value and `force` is off.
    """
    result = copy.deepcopy(live)
    entries: list[Entry] = result["metadata"].get("managedFields", [])
    mine = next((entry for entry in entries if _is(entry, manager, "Apply", subresource)), None)
    others = [entry for entry in entries if entry is not mine]
    conflicts = _conflicts(others, wanted, current)
    if conflicts and not force:
        raise _conflict_error(conflicts)
    lost = {path for _, paths in conflicts for path in paths}
    entries = _without(others, lost, keep_items=True)
    held_by_others = set().union(*(field_sets.decode(entry["fieldsV1"]) for entry in entries))
    dropped = (field_sets.decode(mine["fieldsV1"]) if mine else set()) - set(wanted) - held_by_others
    for path in sorted(dropped, key=len):  # whole items before their fields: without its keys, an item is not found
        if not field_sets.is_item_key(path) and not any(held[: len(path)] == path for held in held_by_others):
            field_sets.remove(schema, result, path)
    result = dict(merge(schema, result, config))
    result["metadata"]["managedFields"] = [
        *entries,
        *new_entry(manager, "Apply", subresource, live["apiVersion"], set(wanted)),
    ]
    return result


def merge(schema: Schema, live: Any, config: Any) -> Any:
    """Set the configuration's fields in the live value; keyed lists merge by item, other lists are replaced."""
    if isinstance(config, dict) and isinstance(live, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        result = dict(live)
        for key, value in config.items():
            result[key] = merge(property_schema(schema, key) or {}, live.get(key), value)
        return result
    if isinstance(config, list) and isinstance(live, list):
        if field_sets.list_keys(schema):
            return _merge_keyed(schema, live, config)
        if schema.get("x-kubernetes-list-type") == "set":
            return live + [item for item in config if item not in live]
    return copy.deepcopy(config)


def _merge_keyed(schema: Schema, live: list[Any], config: list[Any]) -> list[Any]:
    steps = [field_sets.item_step(schema, item) for item in live]
    result = list(live)
    for item in config:
        step = field_sets.item_step(schema, item)
        if step in steps:
            index = steps.index(step)
            result[index] = merge(item_schema(schema), result[index], item)
        else:
            result.append(copy.deepcopy(item))
    return result


def track_update(
    before: dict[Path, Any],
    after: dict[Path, Any],
    entries: list[Entry],
    *,
    manager: str,
    subresource: str,
    api_version: str,
) -> list[Entry]:
    """Record a write that was no apply: what it changed is the manager's now, what it removed is nobody's."""
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    removed = set(before) - set(after)
    if not changed and not removed:
        return entries
    mine = next((entry for entry in entries if _is(entry, manager, "Update", subresource)), None)
    others = [entry for entry in entries if entry is not mine]
    others = _without(_without(others, changed, keep_items=True), removed)
    held = (field_sets.decode(mine["fieldsV1"]) if mine else set()) | changed
    return [*others, *new_entry(manager, "Update", subresource, api_version, held - removed)]


def new_entry(manager: str, operation: str, subresource: str, api_version: str, paths: set[Path]) -> list[Entry]:
    """One managedFields entry, or none when it would hold nothing."""
    if not paths:
        return []
    entry = {
        "manager": manager,
        "operation": operation,
        "apiVersion": api_version,
        "time": timestamp(),
        "fieldsType": "FieldsV1",
        "fieldsV1": field_sets.encode(paths),
    }
    return [entry | ({"subresource": subresource} if subresource else {})]


def _is(entry: Entry, manager: str, operation: str, subresource: str) -> bool:
    return (entry["manager"], entry["operation"], entry.get("subresource", "")) == (manager, operation, subresource)


def _without(entries: list[Entry], paths: set[Path], keep_items: bool = False) -> list[Entry]:
    """Entries that no longer hold `paths`; `keep_items`: whole list items stay with all who hold them."""
    gone = {path for path in paths if not (keep_items and field_sets.is_item(path))}
    result = []
    for entry in entries:
        held = field_sets.decode(entry["fieldsV1"])
        if not held & gone:
            result.append(entry)
        elif held - gone:
            result.append(entry | {"fieldsV1": field_sets.encode(held - gone)})
    return result


def _conflicts(
    others: list[Entry], wanted: dict[Path, Any], current: dict[Path, Any]
) -> list[tuple[Entry, list[Path]]]:
    different = {
        path
        for path, value in wanted.items()
        if not field_sets.is_item(path) and (path not in current or current[path] != value)
    }
    found = []
    for entry in others:
        if paths := sorted(field_sets.decode(entry["fieldsV1"]) & different):
            found.append((entry, paths))
    return found


def _conflict_error(conflicts: list[tuple[Entry, list[Path]]]) -> ApiError:
    flat = [(_manager(entry), field_sets.display(path)) for entry, paths in conflicts for path in paths]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
        for manager, field in flat
    ]
    if len(flat) == 1:
        text = f"Apply failed with 1 conflict: conflict with {flat[0][0]}: {flat[0][1]}"
    else:
        lines = []
        for manager in sorted({manager for manager, _ in flat}):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {field}" for owner, field in flat if owner == manager]
        text = f"Apply failed with {len(flat)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", text, {"causes": causes})


def _manager(entry: Entry) -> str:
    text = go_value(entry["manager"])
    if entry.get("subresource"):
        text += f' with subresource "{entry["subresource"]}"'
    return text + (f" using {entry['apiVersion']}" if entry["operation"] == "Update" else "")
