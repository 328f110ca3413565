"""Columns of the built-in kinds, as in kubernetes/kubernetes `pkg/printers`."""

from __future__ import annotations

from collections.abc import Callable

from local.kubernetes.api.cells import NONE, Column, Object, field, get, json_path, since
from local.kubernetes.api.selectors import format_label_selector


def _pod_status(obj: Object) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    status = obj.get("status") or {}
    for container in status.get("containerStatuses") or ():
        for state in ("waiting", "terminated"):
            reason = get(container, f"state.{state}.reason")
            if reason:
                return str(reason)
    return str(status.get("reason") or status.get("phase") or "Unknown")


def _pod_ready(obj: Object) -> str:
    statuses = get(obj, "status.containerStatuses", [])
    return f"{sum(1 for item in statuses if item.get('ready'))}/{len(get(obj, 'spec.containers', []))}"


def _pod_restarts(obj: Object) -> str:
    return str(sum(item.get("restartCount", 0) for item in get(obj, "status.containerStatuses", [])))


def _ready_replicas(obj: Object) -> str:
    return f"{get(obj, 'status.readyReplicas', 0)}/{get(obj, 'spec.replicas', 0)}"


def _service_ports(obj: Object) -> str:
    ports = get(obj, "spec.ports", [])
    return (
        ",".join(f"{p['port']}" + (f":{p['nodePort']}" if "nodePort" in p else "") + f"/{p['protocol']}" for p in ports)
        or NONE
    )


def _selector(path: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        value = get(obj, path, {})
        plain = not ({"matchLabels", "matchExpressions"} & set(value))
        return format_label_selector({"matchLabels": value} if plain else value) or NONE

    return cell


def _containers(path: str, field: str) -> Callable[[Object], str]:
    return lambda obj: ",".join(str(c.get(field, "")) for c in get(obj, f"{path}.containers", []))


def _hpa_targets(obj: Object) -> str:
    current = {
        get(metric, "resource.name"): get(metric, "resource.current", {})
        for metric in get(obj, "status.currentMetrics", [])
    }
    shown = []
    for metric in get(obj, "spec.metrics", []):
        name, target = get(metric, "resource.name"), get(metric, "resource.target", {})
        now = current.get(name, {})
        if "averageUtilization" in target:
            value = f"{now['averageUtilization']}%" if "averageUtilization" in now else "<unknown>"
            shown.append(f"{name}: {value}/{target['averageUtilization']}%")
        else:
            key = "averageValue" if "averageValue" in target else "value"
            shown.append(f"{name or metric.get('type')}: {now.get(key, '<unknown>')}/{target.get(key, '<unknown>')}")
    return ", ".join(shown) or NONE


def _hpa_reference(obj: Object) -> str:
    return f"{get(obj, 'spec.scaleTargetRef.kind', '')}/{get(obj, 'spec.scaleTargetRef.name', '')}"


def _node_status(obj: Object) -> str:
    ready = json_path(obj, '.status.conditions[?(@.type=="Ready")].status')
    return "Ready" if ready == ["True"] else "NotReady"


def _event_object(obj: Object) -> str:
    return f"{get(obj, 'involvedObject.kind', '').lower()}/{get(obj, 'involvedObject.name', '')}"


def _endpoints(obj: Object) -> str:
    addresses = [address for item in obj.get("endpoints") or () for address in item.get("addresses") or ()]
    return ",".join(addresses[:3]) + (f" + {len(addresses) - 3} more..." if len(addresses) > 3 else "") or "<unset>"


def _count(*paths: str) -> Callable[[Object], int]:
    return lambda obj: sum(len(get(obj, path, {})) for path in paths)


_TEMPLATE = "spec.template.spec"
_WORKLOAD_WIDE = [
    Column("Containers", _containers(_TEMPLATE, "name"), priority=1),
    Column("Images", _containers(_TEMPLATE, "image"), priority=1),
    Column("Selector", _selector("spec.selector"), priority=1),
]
_ROLE_REF = Column("Role", lambda obj: f"{get(obj, 'roleRef.kind', '')}/{get(obj, 'roleRef.name', '')}")

EVENT_KEY = ("", "events")
# The one kind whose first column is not its name, and which has no age.
EVENT_COLUMNS = [
    Column("Last Seen", lambda obj: since(obj.get("lastTimestamp") or obj["metadata"]["creationTimestamp"])),
    Column("Type", field("type")),
    Column("Reason", field("reason")),
    Column("Object", _event_object),
    Column("Subobject", field("involvedObject.fieldPath", ""), priority=1),
    Column("Source", field("source.component", ""), priority=1),
    Column("Message", field("message")),
    Column(
        "First Seen", lambda obj: since(obj.get("firstTimestamp") or obj["metadata"]["creationTimestamp"]), priority=1
    ),
    Column("Count", field("count", 1), "integer", priority=1),
    Column("Name", field("metadata.name"), priority=1),
]

# kind -> (columns before Age, columns after it)
COLUMNS: dict[tuple[str, str], tuple[list[Column], list[Column]]] = {
    ("", "namespaces"): ([Column("Status", field("status.phase"))], []),
    ("", "nodes"): (
        [Column("Status", _node_status), Column("Roles", lambda _obj: NONE)],
        [Column("Version", field("status.nodeInfo.kubeletVersion"))],
    ),
    ("", "pods"): (
        [
            Column("Ready", _pod_ready),
            Column("Status", _pod_status),
            Column("Restarts", _pod_restarts),
        ],
        [
            Column("IP", field("status.podIP", NONE), priority=1),
            Column("Node", field("spec.nodeName", NONE), priority=1),
        ],
    ),
    ("", "services"): (
        [
            Column("Type", field("spec.type")),
            Column("Cluster-IP", field("spec.clusterIP", NONE)),
            Column("External-IP", lambda _obj: NONE),
            Column("Port(s)", _service_ports),
        ],
        [Column("Selector", _selector("spec.selector"), priority=1)],
    ),
    ("", "secrets"): (
        [Column("Type", field("type")), Column("Data", _count("data"), "integer")],
        [],
    ),
    ("", "configmaps"): ([Column("Data", _count("data", "binaryData"), "integer")], []),
    ("", "serviceaccounts"): ([Column("Secrets", _count("secrets"), "integer")], []),
    ("apps", "deployments"): (
        [
            Column("Ready", _ready_replicas),
            Column("Up-to-date", field("status.updatedReplicas", 0), "integer"),
            Column("Available", field("status.availableReplicas", 0), "integer"),
        ],
        _WORKLOAD_WIDE,
    ),
    ("apps", "replicasets"): (
        [
            Column("Desired", field("spec.replicas", 0), "integer"),
            Column("Current", field("status.replicas", 0), "integer"),
            Column("Ready", field("status.readyReplicas", 0), "integer"),
        ],
        _WORKLOAD_WIDE,
    ),
    ("autoscaling", "horizontalpodautoscalers"): (
        [
            Column("Reference", _hpa_reference),
            Column("Targets", _hpa_targets),
            Column("MinPods", lambda obj: str(get(obj, "spec.minReplicas", NONE))),
            Column("MaxPods", field("spec.maxReplicas", 0), "integer"),
            Column("Replicas", field("status.currentReplicas", 0), "integer"),
        ],
        [],
    ),
    ("discovery.k8s.io", "endpointslices"): (
        [Column("AddressType", field("addressType")), Column("Endpoints", _endpoints)],
        [],
    ),
    ("node.k8s.io", "runtimeclasses"): ([Column("Handler", field("handler"))], []),
    ("networking.k8s.io", "networkpolicies"): ([Column("Pod-Selector", _selector("spec.podSelector"))], []),
    ("rbac.authorization.k8s.io", "rolebindings"): ([_ROLE_REF], []),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): ([_ROLE_REF], []),
}
