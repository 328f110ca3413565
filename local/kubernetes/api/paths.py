"""Fields of objects by dotted path."""

from __future__ import annotations

from typing import Any


def at(obj: Any, path: str, default: Any = None) -> Any:
    """The value at ``.spec.replicas`` (with or without the first dot); ``default`` where there is none."""
    for step in path.removeprefix(".").split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return default if obj is None else obj
