"""Tables: what `kubectl get` shows. Columns of the built-in kinds follow kubernetes/kubernetes `pkg/printers`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.kubernetes.api.clock import parse_timestamp
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.selectors import format_label_selector

Object = dict[str, Any]
_NONE = "<none>"


@dataclass(frozen=True)
class Column:
    """A column: `cell` makes its value; `priority` above 0 shows only with ``-o wide``."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    priority: int = 0


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
        elif include != "None":
            row["object"] = partial_metadata(obj)
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
        "columnDefinitions": definitions if headers else [],
        "rows": rows,
    }


def partial_metadata(obj: Object) -> Object:
    """An object's metadata only."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _columns(resource: Resource) -> list[Column]:
    name, age = Column("Name", lambda obj: obj["metadata"]["name"]), Column("Age", _age)
    if resource.key in _COLUMNS:
        narrow, wide = _COLUMNS[resource.key]
        return [name, *narrow, age, *wide]
    custom = [
        Column(
            column["name"],
            _printer_cell(column["jsonPath"], column.get("type", "string")),
            column.get("type", "string"),
            column.get("priority", 0),
        )
        for column in resource.columns
    ]
    return [name, *custom] if any(column.name == "Age" for column in custom) else [name, *custom, age]


def _printer_cell(path: str, kind: str) -> Callable[[Object], Any]:
    def cell(obj: Object) -> Any:
        found = json_path(obj, path)
        value = found[0] if found else None
        return _since(value) if kind == "date" and isinstance(value, str) else value

    return cell


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


def _get(obj: Any, path: str, default: Any = None) -> Any:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return default if obj is None else obj


def _field(path: str, default: Any = "") -> Callable[[Object], Any]:
    return lambda obj: _get(obj, path, default)


def _age(obj: Object) -> str:
    return _since(obj["metadata"].get("creationTimestamp", ""))


def _since(text: str) -> str:
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


def _pod_status(obj: Object) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    status = obj.get("status") or {}
    for container in status.get("containerStatuses") or ():
        for state in ("waiting", "terminated"):
            reason = _get(container, f"state.{state}.reason")
            if reason:
                return str(reason)
    return str(status.get("reason") or status.get("phase") or "Unknown")


def _pod_ready(obj: Object) -> str:
    statuses = _get(obj, "status.containerStatuses", [])
    return f"{sum(1 for item in statuses if item.get('ready'))}/{len(_get(obj, 'spec.containers', []))}"


def _pod_restarts(obj: Object) -> str:
    return str(sum(item.get("restartCount", 0) for item in _get(obj, "status.containerStatuses", [])))


def _ready_replicas(obj: Object) -> str:
    return f"{_get(obj, 'status.readyReplicas', 0)}/{_get(obj, 'spec.replicas', 0)}"


def _service_ports(obj: Object) -> str:
    ports = _get(obj, "spec.ports", [])
    return (
        ",".join(f"{p['port']}" + (f":{p['nodePort']}" if "nodePort" in p else "") + f"/{p['protocol']}" for p in ports)
        or _NONE
    )


def _selector(path: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        value = _get(obj, path, {})
        plain = not ({"matchLabels", "matchExpressions"} & set(value))
        return format_label_selector({"matchLabels": value} if plain else value) or _NONE

    return cell


def _containers(path: str, field: str) -> Callable[[Object], str]:
    return lambda obj: ",".join(str(c.get(field, "")) for c in _get(obj, f"{path}.containers", []))


def _hpa_targets(obj: Object) -> str:
    current = {
        _get(metric, "resource.name"): _get(metric, "resource.current", {})
        for metric in _get(obj, "status.currentMetrics", [])
    }
    shown = []
    for metric in _get(obj, "spec.metrics", []):
        name, target = _get(metric, "resource.name"), _get(metric, "resource.target", {})
        now = current.get(name, {})
        if "averageUtilization" in target:
            value = f"{now['averageUtilization']}%" if "averageUtilization" in now else "<unknown>"
            shown.append(f"{name}: {value}/{target['averageUtilization']}%")
        else:
            key = "averageValue" if "averageValue" in target else "value"
            shown.append(f"{name or metric.get('type')}: {now.get(key, '<unknown>')}/{target.get(key, '<unknown>')}")
    return ", ".join(shown) or _NONE


def _hpa_reference(obj: Object) -> str:
    return f"{_get(obj, 'spec.scaleTargetRef.kind', '')}/{_get(obj, 'spec.scaleTargetRef.name', '')}"


def _node_status(obj: Object) -> str:
    ready = json_path(obj, '.status.conditions[?(@.type=="Ready")].status')
    return "Ready" if ready == ["True"] else "NotReady"


def _event_object(obj: Object) -> str:
    return f"{_get(obj, 'involvedObject.kind', '').lower()}/{_get(obj, 'involvedObject.name', '')}"


def _endpoints(obj: Object) -> str:
    addresses = [address for item in obj.get("endpoints") or () for address in item.get("addresses") or ()]
    return ",".join(addresses[:3]) + (f" + {len(addresses) - 3} more..." if len(addresses) > 3 else "") or "<unset>"


def _count(*paths: str) -> Callable[[Object], int]:
    return lambda obj: sum(len(_get(obj, path, {})) for path in paths)


_TEMPLATE = "spec.template.spec"
_WORKLOAD_WIDE = [
    Column("Containers", _containers(_TEMPLATE, "name"), priority=1),
    Column("Images", _containers(_TEMPLATE, "image"), priority=1),
    Column("Selector", _selector("spec.selector"), priority=1),
]
_ROLE_REF = Column("Role", lambda obj: f"{_get(obj, 'roleRef.kind', '')}/{_get(obj, 'roleRef.name', '')}")

# kind -> (columns before Age, columns after it)
_COLUMNS: dict[tuple[str, str], tuple[list[Column], list[Column]]] = {
    ("", "namespaces"): ([Column("Status", _field("status.phase"))], []),
    ("", "nodes"): (
        [Column("Status", _node_status), Column("Roles", lambda _obj: _NONE)],
        [Column("Version", _field("status.nodeInfo.kubeletVersion"))],
    ),
    ("", "pods"): (
        [
            Column("Ready", _pod_ready),
            Column("Status", _pod_status),
            Column("Restarts", _pod_restarts),
        ],
        [
            Column("IP", _field("status.podIP", _NONE), priority=1),
            Column("Node", _field("spec.nodeName", _NONE), priority=1),
        ],
    ),
    ("", "services"): (
        [
            Column("Type", _field("spec.type")),
            Column("Cluster-IP", _field("spec.clusterIP", _NONE)),
            Column("External-IP", lambda _obj: _NONE),
            Column("Port(s)", _service_ports),
        ],
        [Column("Selector", _selector("spec.selector"), priority=1)],
    ),
    ("", "secrets"): (
        [Column("Type", _field("type")), Column("Data", _count("data"), "integer")],
        [],
    ),
    ("", "configmaps"): ([Column("Data", _count("data", "binaryData"), "integer")], []),
    ("", "serviceaccounts"): ([Column("Secrets", _count("secrets"), "integer")], []),
    ("", "events"): (
        [
            Column("Last Seen", lambda obj: _since(obj.get("lastTimestamp") or obj["metadata"]["creationTimestamp"])),
            Column("Type", _field("type")),
            Column("Reason", _field("reason")),
            Column("Object", _event_object),
            Column("Message", _field("message")),
        ],
        [],
    ),
    ("apps", "deployments"): (
        [
            Column("Ready", _ready_replicas),
            Column("Up-to-date", _field("status.updatedReplicas", 0), "integer"),
            Column("Available", _field("status.availableReplicas", 0), "integer"),
        ],
        _WORKLOAD_WIDE,
    ),
    ("apps", "replicasets"): (
        [
            Column("Desired", _field("spec.replicas", 0), "integer"),
            Column("Current", _field("status.replicas", 0), "integer"),
            Column("Ready", _field("status.readyReplicas", 0), "integer"),
        ],
        _WORKLOAD_WIDE,
    ),
    ("autoscaling", "horizontalpodautoscalers"): (
        [
            Column("Reference", _hpa_reference),
            Column("Targets", _hpa_targets),
            Column("MinPods", lambda obj: str(_get(obj, "spec.minReplicas", _NONE))),
            Column("MaxPods", _field("spec.maxReplicas", 0), "integer"),
            Column("Replicas", _field("status.currentReplicas", 0), "integer"),
        ],
        [],
    ),
    ("discovery.k8s.io", "endpointslices"): (
        [Column("AddressType", _field("addressType")), Column("Endpoints", _endpoints)],
        [],
    ),
    ("node.k8s.io", "runtimeclasses"): ([Column("Handler", _field("handler"))], []),
    ("networking.k8s.io", "networkpolicies"): ([Column("Pod-Selector", _selector("spec.podSelector"))], []),
    ("rbac.authorization.k8s.io", "rolebindings"): ([_ROLE_REF], []),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): ([_ROLE_REF], []),
}
