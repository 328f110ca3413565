"""The three patch formats besides server-side apply. All are pure: the inputs stay as they are."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch

from local.kubernetes.api.errors import bad_request, rejected
from local.kubernetes.api.schemas import Schema, item_schema, property_schema

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
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


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902. Raises ApiError 400 for what is no list of operations, 422 for one that cannot be carried out."""
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    try:
        return jsonpatch.apply_patch(target, operations, in_place=False)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise rejected() from error


def strategic_merge_patch(target: Any, patch: Any, schema: Schema) -> Any:
    """Kubernetes' own merge: like `merge_patch`, but lists whose schema names a merge key merge item by item.

    Directives: ``$patch: delete|replace``, ``$deleteFromPrimitiveList/…``, ``$retainKeys``; ``$setElementOrder/…`` is
    accepted, and the order of the existing items kept.
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get(_DIRECTIVE) == "replace":
        return copy.deepcopy({key: value for key, value in patch.items() if key != _DIRECTIVE})
    if patch.get(_DIRECTIVE) == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if _RETAIN in patch:
        result = {key: value for key, value in result.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM_LIST):
            name = key.removeprefix(_DELETE_FROM_LIST)
            result[name] = [item for item in result.get(name) or [] if item not in value]
        elif key == _RETAIN or key.startswith(_ORDER):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            field = property_schema(schema, key) or {}
            merge_key = field.get("x-kubernetes-patch-merge-key")
            if merge_key and isinstance(value, list):
                result[key] = _merge_list(result.get(key) or [], value, merge_key, item_schema(field))
            elif field.get("x-kubernetes-list-type") == "set" and isinstance(value, list):
                current = result.get(key) or []
                result[key] = current + [item for item in value if item not in current]
            else:
                result[key] = strategic_merge_patch(result.get(key), value, field)
    return result


def _merge_list(current: list[Any], patch: list[Any], merge_key: str, schema: Schema) -> list[Any]:
    if any(isinstance(item, dict) and item.get(_DIRECTIVE) == "replace" for item in patch):
        return copy.deepcopy([item for item in patch if item.get(_DIRECTIVE) != "replace"])
    result = list(current)
    for item in patch:
        if not isinstance(item, dict) or merge_key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {merge_key}")
        index = next((i for i, old in enumerate(result) if old.get(merge_key) == item[merge_key]), None)
        if item.get(_DIRECTIVE) == "delete":
            result = [old for old in result if old.get(merge_key) != item[merge_key]]
        elif index is None:
            result.append(strategic_merge_patch({}, item, schema))
        else:
            result[index] = strategic_merge_patch(result[index], item, schema)
    return _ordered(result, current, patch, merge_key)


def _ordered(merged: list[Any], current: list[Any], patch: list[Any], merge_key: str) -> list[Any]:
    """Items as the real server puts them: what the patch names in its order, before what it does not name unless both
    were there and stood the other way round (apimachinery `pkg/util/strategicpatch`, ``mergeSortedSlice``)."""
    before = [item.get(merge_key) for item in current]
    wanted = [item[merge_key] for item in patch]
    named = sorted(
        (item for item in merged if item[merge_key] in wanted), key=lambda item: wanted.index(item[merge_key])
    )
    others = [item for item in merged if item[merge_key] not in wanted]
    result: list[Any] = []
    while named and others:
        new = named[0][merge_key] not in before
        if not new and before.index(others[0][merge_key]) < before.index(named[0][merge_key]):
            result.append(others.pop(0))
        else:
            result.append(named.pop(0))
    return [*result, *named, *others]
