"""Tables: the columns that `kubectl get` shows of pods, Deployments and custom resources.

Of a kind that is sent as it is, kubectl shows name and age by itself. Columns as in kubernetes/kubernetes
`pkg/printers/internalversion`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from local.kubernetes.api.clock import parse_timestamp
from local.kubernetes.api.paths import at
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.store import Object


class Column(NamedTuple):
    """A column; a `priority` above 0 shows only with ``-o wide``."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    priority: int = 0


def columns_of(resource: Resource) -> list[Column]:
    """Return the columns of a kind; none where kubectl is left to itself."""
    if resource.columns:
        return [_NAME, *(_custom(column) for column in resource.columns)]
    return _COLUMNS.get(resource.key, [])


def table(
    columns: Sequence[Column], objects: Sequence[Object], metadata: Object, *, headers: bool, whole: bool
) -> Object:
    """Objects as a `meta.k8s.io/v1` Table; ``whole``: each row brings its object, not only that one's metadata."""
    shown = [
        {
            "name": column.name,
            "type": column.type,
            "format": "name" if column is _NAME else "",
            "description": "",
            "priority": column.priority,
        }
        for column in columns
    ]
    rows = [
        {"cells": [column.cell(obj) for column in columns], "object": obj if whole else _metadata(obj)}
        for obj in objects
    ]
    envelope = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return {**envelope, "columnDefinitions": shown if headers else None, "rows": rows}


def _metadata(obj: Object) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _custom(column: Object) -> Column:
    """Make a column of a CustomResourceDefinition; one whose ``jsonPath`` is no path of fields stays empty."""
    path, kind = column["jsonPath"], column.get("type", "string")

    def cell(obj: Object) -> Any:
        value = at(obj, path)
        return _since(value) if kind == "date" and value else value

    return Column(column["name"], cell, kind, column.get("priority", 0))


def _since(stamp: str) -> str:
    return human_duration(int((datetime.now(UTC) - parse_timestamp(stamp)).total_seconds()))


def human_duration(seconds: int) -> str:
    """``95s``, ``2m5s``, ``12m``, ``3h5m``, ``12h``, ``3d``: k8s.io/apimachinery `duration.HumanDuration`."""
    units = (("s", 1, 120, 0), ("m", 60, 600, 1), ("m", 60, 10800, 0), ("h", 3600, 28800, 60), ("h", 3600, 172800, 0))
    for unit, size, below, rest in units:
        if seconds < below:
            left = seconds % size // rest if rest else 0
            return f"{max(seconds, 0) // size}{unit}" + (f"{left}{'s' if rest == 1 else 'm'}" if left else "")
    return f"{seconds // 86400}d"


def _pod_status(pod: Object) -> str:
    if "deletionTimestamp" in pod["metadata"]:
        return "Terminating"
    for container in at(pod, "status.containerStatuses", []):
        for state in ("waiting", "terminated"):
            if reason := at(container, f"state.{state}.reason"):
                return str(reason)
    return str(at(pod, "status.reason") or at(pod, "status.phase", "Unknown"))


def _pod_ready(pod: Object) -> str:
    ready = [container for container in at(pod, "status.containerStatuses", []) if container.get("ready")]
    return f"{len(ready)}/{len(pod['spec']['containers'])}"


def _restarts(pod: Object) -> str:
    return str(sum(container.get("restartCount", 0) for container in at(pod, "status.containerStatuses", [])))


def _field(path: str, default: Any) -> Callable[[Object], Any]:
    return lambda obj: at(obj, path, default)


_NAME = Column("Name", _field("metadata.name", ""))
_AGE = Column("Age", lambda obj: _since(obj["metadata"]["creationTimestamp"]))
_COLUMNS: dict[tuple[str, str], list[Column]] = {
    ("", "pods"): [
        _NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _restarts),
        _AGE,
        Column("IP", _field("status.podIP", "<none>"), priority=1),
        Column("Node", _field("spec.nodeName", "<none>"), priority=1),
    ],
    ("apps", "deployments"): [
        _NAME,
        Column("Ready", lambda obj: f"{at(obj, 'status.readyReplicas', 0)}/{at(obj, 'spec.replicas', 0)}"),
        Column("Up-to-date", _field("status.updatedReplicas", 0), "integer"),
        Column("Available", _field("status.availableReplicas", 0), "integer"),
        _AGE,
    ],
}
