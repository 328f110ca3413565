"""Cells of tables: columns, and how values are found and written in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.kubernetes.api.clock import parse_timestamp

Object = dict[str, Any]
NONE = "<none>"


@dataclass(frozen=True)
class Column:
    """A column: `cell` makes its value; `priority` above 0 shows only with ``-o wide``."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    priority: int = 0


_STEP = re.compile(
    r"\.([\w-]+(?:\\\.[\w-]+)*)|\['([^']+)'\]|\[(\d+)\]|\[(\*)\]|\[\?\(@\.(\w+)\s*==\s*[\"']([^\"']*)[\"']\)\]"
)


def json_path(obj: Any, path: str) -> list[Any]:
    """Values at a simple JSONPath: fields, indexes, ``[*]`` and ``[?(@.type=="Ready")]``; nothing for any other."""
    found, position = [obj], 0
    path = path.strip("{}")
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return []
        dotted, quoted, index, every, key, wanted = match.groups()
        if field := (dotted or quoted):
            field = field.replace("\\.", ".")
            found = [item[field] for item in found if isinstance(item, dict) and field in item]
        else:
            lists = [item for item in found if isinstance(item, list)]
            if index is not None:
                found = [items[int(index)] for items in lists if int(index) < len(items)]
            elif every:
                found = [item for items in lists for item in items]
            else:
                found = [i for items in lists for i in items if isinstance(i, dict) and str(i.get(key)) == wanted]
        position = match.end()
    return found


def get(obj: Any, path: str, default: Any = None) -> Any:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return default if obj is None else obj


def field(path: str, default: Any = "") -> Callable[[Object], Any]:
    return lambda obj: get(obj, path, default)


def age(obj: Object) -> str:
    return since(obj["metadata"].get("creationTimestamp", ""))


def since(text: str) -> str:
    try:
        seconds = int((datetime.now(UTC) - parse_timestamp(text)).total_seconds())
    except (ValueError, TypeError):
        return "<unknown>"
    return human_duration(max(seconds, 0))


def human_duration(seconds: int) -> str:
    """``95s``, ``12m``, ``5h``, ``3d``: k8s.io/apimachinery `duration.HumanDuration`, in its coarser form."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    return f"{days}d"
