"""Generate `builtin.json`: the schemas of the built-in kinds, from the official Python client's models.

The client is itself generated from Kubernetes' OpenAPI document, so field names, types and required fields are the real
ones. What the client does not carry is added here: which strings are quantities, which lists merge by key
(`x-kubernetes-list-map-keys`, `x-kubernetes-patch-merge-key` of the OpenAPI document).

Run after a change of the pinned client: ``python -m local.kubernetes.api.schemas.generate``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOTS = (
    "V1Namespace",
    "V1Node",
    "V1Service",
    "V1Secret",
    "V1ConfigMap",
    "V1Pod",
    "CoreV1Event",
    "V1ServiceAccount",
    "V1ResourceQuota",
    "V1LimitRange",
    "V1Deployment",
    "V1ReplicaSet",
    "V2HorizontalPodAutoscaler",
    "V1EndpointSlice",
    "V1RuntimeClass",
    "V1NetworkPolicy",
    "V1Role",
    "V1RoleBinding",
    "V1ClusterRole",
    "V1ClusterRoleBinding",
    "V1Scale",
)

QUANTITY = {"x-kubernetes-int-or-string": True, "format": "quantity"}
QUANTITY_FIELDS = {
    ("V1ResourceRequirements", "limits"),
    ("V1ResourceRequirements", "requests"),
    ("V1VolumeResourceRequirements", "limits"),
    ("V1VolumeResourceRequirements", "requests"),
    ("V1ContainerStatus", "allocatedResources"),
    ("V1NodeStatus", "allocatable"),
    ("V1NodeStatus", "capacity"),
    ("V1ResourceQuotaSpec", "hard"),
    ("V1ResourceQuotaStatus", "hard"),
    ("V1ResourceQuotaStatus", "used"),
    ("V1LimitRangeItem", "default"),
    ("V1LimitRangeItem", "defaultRequest"),
    ("V1LimitRangeItem", "max"),
    ("V1LimitRangeItem", "maxLimitRequestRatio"),
    ("V1LimitRangeItem", "min"),
    ("V1PodSpec", "overhead"),
    ("V1Overhead", "podFixed"),
    ("V1EmptyDirVolumeSource", "sizeLimit"),
    ("V1ResourceFieldSelector", "divisor"),
    ("V2MetricTarget", "averageValue"),
    ("V2MetricTarget", "value"),
    ("V2MetricValueStatus", "averageValue"),
    ("V2MetricValueStatus", "value"),
    ("V2HPAScalingRules", "tolerance"),
}

# (type, list field) -> (map keys of server-side apply, merge key of a strategic merge patch)
KEYED_LISTS: dict[tuple[str, str], tuple[list[str], str]] = {
    ("V1ObjectMeta", "ownerReferences"): (["uid"], "uid"),
    ("V1PodSpec", "containers"): (["name"], "name"),
    ("V1PodSpec", "initContainers"): (["name"], "name"),
    ("V1PodSpec", "volumes"): (["name"], "name"),
    ("V1PodSpec", "imagePullSecrets"): (["name"], "name"),
    ("V1PodSpec", "hostAliases"): (["ip"], "ip"),
    ("V1PodSpec", "topologySpreadConstraints"): (["topologyKey", "whenUnsatisfiable"], "topologyKey"),
    ("V1Container", "env"): (["name"], "name"),
    ("V1Container", "ports"): (["containerPort", "protocol"], "containerPort"),
    ("V1Container", "volumeMounts"): (["mountPath"], "mountPath"),
    ("V1Container", "volumeDevices"): (["devicePath"], "devicePath"),
    ("V1ServiceSpec", "ports"): (["port", "protocol"], "port"),
    ("V1ServiceAccount", "imagePullSecrets"): ([], "name"),
    ("V1ServiceAccount", "secrets"): (["name"], "name"),
    ("V1PodStatus", "conditions"): (["type"], "type"),
    ("V1PodStatus", "podIPs"): (["ip"], "ip"),
    ("V1PodStatus", "hostIPs"): ([], "ip"),
    ("V1NamespaceStatus", "conditions"): (["type"], "type"),
    ("V1NodeStatus", "conditions"): (["type"], "type"),
    ("V1NodeStatus", "addresses"): (["type"], "type"),
    ("V1ServiceStatus", "conditions"): (["type"], "type"),
    ("V1DeploymentStatus", "conditions"): (["type"], "type"),
    ("V1ReplicaSetStatus", "conditions"): (["type"], "type"),
    ("V2HorizontalPodAutoscalerStatus", "conditions"): (["type"], "type"),
}
SET_LISTS = {("V1ObjectMeta", "finalizers"), ("V1NamespaceSpec", "finalizers")}
ATOMIC_MAPS = {("V1LabelSelector", ""), ("V1ObjectReference", ""), ("V1LocalObjectReference", ""), ("V1RoleRef", "")}
# Keys of a keyed list that may be left out: server-side apply fills in the default before it compares.
DEFAULTS = {("V1ContainerPort", "protocol"): "TCP", ("V1ServicePort", "protocol"): "TCP"}
# Required in the models, but Go's decoder fills in a zero value and the API server's validation lets it pass.
NOT_REQUIRED = {("V1EndpointSlice", "endpoints"), ("CoreV1Event", "metadata")}

SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "bytes": {"type": "string"},
    "datetime": {"type": "string", "format": "date-time"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "object": {},
}


def main() -> None:
    """Write `builtin.json` beside this file."""
    from kubernetes.client import models  # slow to import: only this generator needs it

    schemas: dict[str, Any] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            model = getattr(models, name)
            schemas[name] = model_schema(name, model)
            words = re.findall(r"\w+", " ".join(model.openapi_types.values()))
            waiting += [word for word in words if re.match(r"[A-Za-z]*V\d", word)]
    text = json.dumps(dict(sorted(schemas.items())), sort_keys=True, separators=(",", ":"))
    Path(__file__).with_name("builtin.json").write_text(text.replace('},"V', '},\n"V') + "\n", encoding="utf-8")


def model_schema(name: str, model: Any) -> dict[str, Any]:
    """Make the schema of one of the client's models."""
    fields = {model.attribute_map[attribute]: declared for attribute, declared in model.openapi_types.items()}
    needed = {f.serialization_alias or key for key, f in model.model_fields.items() if f.is_required()}
    properties = {field: field_schema(name, field, declared) for field, declared in fields.items()}
    required = [field for field in fields if field in needed and (name, field) not in NOT_REQUIRED]
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if (name, "") in ATOMIC_MAPS:
        schema["x-kubernetes-map-type"] = "atomic"
    return schema


def field_schema(owner: str, field: str, declared: str) -> dict[str, Any]:
    """Make the schema of a field from the client's type notation (``List[V1Container]``, ``Dict[str, str]`` …)."""
    quantity = (owner, field) in QUANTITY_FIELDS
    if match := re.fullmatch(r"List\[(.+)]", declared):
        return {"type": "array", "items": type_schema(match[1]), **list_kind(owner, field)}
    if match := re.fullmatch(r"Dict\[str, (.+)]", declared):
        return {"type": "object", "additionalProperties": QUANTITY if quantity else type_schema(match[1])}
    if quantity:
        return QUANTITY
    if declared == "object":
        return {"x-kubernetes-int-or-string": True} if "ort" in field or field.startswith("max") else {}
    default = {"default": DEFAULTS[owner, field]} if (owner, field) in DEFAULTS else {}
    return type_schema(declared) | default


def list_kind(owner: str, field: str) -> dict[str, Any]:
    """How the items of a list merge."""
    if (owner, field) in SET_LISTS:
        return {"x-kubernetes-list-type": "set"}
    map_keys, merge_key = KEYED_LISTS.get((owner, field), ([], ""))
    merge: dict[str, Any] = {"x-kubernetes-patch-merge-key": merge_key} if merge_key else {}
    return merge | ({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": map_keys} if map_keys else {})


def type_schema(declared: str) -> dict[str, Any]:
    """Make a scalar's schema, or a reference to another model."""
    return SCALARS.get(declared) or ({"$ref": declared} if declared not in SCALARS else {})


if __name__ == "__main__":
    main()
