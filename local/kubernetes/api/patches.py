"""The two patch formats besides server-side apply. Both are pure: the inputs stay as they are."""

from __future__ import annotations

import copy
from typing import Any

from local.kubernetes.api.errors import bad_request
from local.kubernetes.api.schemas import Schema, item_schema, property_schema

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_DIRECTIVE = "$patch"
_DELETE_FROM_LIST = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"
_RETAIN = "$retainKeys"


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: objects merge, `null` removes a key, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge_patch(target: Any, patch: Any, schema: Schema) -> Any:
    """Kubernetes' own merge: like `merge_patch`, but lists whose schema names a merge key merge item by item.

    Directives: ``$patch: delete|replace``, ``$deleteFromPrimitiveList/…``, ``$retainKeys``; ``$setElementOrder/…`` is
    accepted, and the order of the existing items kept.
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get(_DIRECTIVE) == "delete":
        return {}
    if patch.get(_DIRECTIVE) == "replace":
        return copy.deepcopy({key: value for key, value in patch.items() if key != _DIRECTIVE})
    result = dict(target) if isinstance(target, dict) else {}
    if _RETAIN in patch:
        result = {key: value for key, value in result.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key != _RETAIN and not key.startswith(_ORDER):
            _merge_field(result, key, value, schema)
    return result


def _merge_field(result: dict[str, Any], key: str, value: Any, schema: Schema) -> None:
    if key.startswith(_DELETE_FROM_LIST):
        name = key.removeprefix(_DELETE_FROM_LIST)
        result[name] = [item for item in result.get(name) or [] if item not in value]
    elif value is None:
        result.pop(key, None)
    else:
        result[key] = _merge_value(result.get(key), value, property_schema(schema, key) or {})


def _merge_value(current: Any, value: Any, schema: Schema) -> Any:
    if isinstance(value, list) and (merge_key := schema.get("x-kubernetes-patch-merge-key")):
        return _merge_list(current or [], value, merge_key, item_schema(schema))
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") == "set":
        return [*(current or []), *(item for item in value if item not in (current or []))]
    return strategic_merge_patch(current, value, schema)


def _merge_list(current: list[Any], patch: list[Any], merge_key: str, schema: Schema) -> list[Any]:
    keyless = [item for item in patch if not isinstance(item, dict) or not {merge_key, _DIRECTIVE} & set(item)]
    if keyless:
        raise bad_request(f"map: {keyless[0]} does not contain declared merge key: {merge_key}")
    rest = [item for item in patch if item.get(_DIRECTIVE) != "replace"]
    if rest != patch:
        return copy.deepcopy(rest)
    merged = {item.get(merge_key): item for item in current}
    for item in patch:
        if item.get(_DIRECTIVE) == "delete":
            merged.pop(item.get(merge_key), None)
        else:
            merged[item[merge_key]] = strategic_merge_patch(merged.get(item[merge_key], {}), item, schema)
    wanted = [item.get(merge_key) for item in patch]
    return _ordered(merged, [item.get(merge_key) for item in current], wanted)


def _ordered(merged: dict[Any, Any], before: list[Any], wanted: list[Any]) -> list[Any]:
    """Order items as the real server does (apimachinery `pkg/util/strategicpatch`, ``mergeSortedSlice``).

    What the patch names comes in its order, before what it does not name, unless both were there and stood the other
    way round.
    """
    named = [key for key in dict.fromkeys(wanted) if key in merged]
    others = [key for key in merged if key not in wanted]
    result: list[Any] = []
    while named and others:
        new = named[0] not in before
        ahead = not new and before.index(others[0]) < before.index(named[0])
        result.append((others if ahead else named).pop(0))
    return [merged[key] for key in [*result, *named, *others]]
