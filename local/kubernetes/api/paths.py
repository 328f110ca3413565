"""Fields of objects by dotted path."""

from __future__ import annotations

from typing import Any


def at(obj: Any, path: str, default: Any = None) -> Any:
    """Return the value at ``.spec.replicas`` (the first dot may be missing); ``default`` where there is none."""
    for step in path.removeprefix(".").split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return default if obj is None else obj
