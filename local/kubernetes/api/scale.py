"""The ``scale`` subresource: an `autoscaling/v1` Scale as a view of another kind's object."""

from __future__ import annotations

import copy
from typing import Any

from local.kubernetes.api.errors import bad_request, invalid, invalid_value
from local.kubernetes.api.paths import at
from local.kubernetes.api.resources import Resource, ScalePaths
from local.kubernetes.api.selectors import format_label_selector
from local.kubernetes.api.store import Object


def read_scale(resource: Resource, obj: Object) -> Object:
    """Read the Scale of an object whose kind has that subresource."""
    paths = _paths(resource)
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = at(obj, paths.selector) if paths.selector else None
    text = format_label_selector(selector) if isinstance(selector, dict) else selector
    status: Object = {"replicas": at(obj, paths.status_replicas) or 0}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": replicas} if (replicas := at(obj, paths.spec_replicas)) else {},
        "status": status | ({"selector": text} if text else {}),
    }


def with_replicas(resource: Resource, obj: Object, scale: Any) -> Object:
    """Copy an object with the number of replicas that a Scale asks for. Raises ApiError 400 or 422."""
    if not isinstance(scale, dict) or scale.get("kind", "Scale") != "Scale":
        raise bad_request("the body of a scale request must be a Scale")
    spec = scale.get("spec") or {}
    replicas = spec.get("replicas", 0) if isinstance(spec, dict) else None
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request("spec.replicas of a Scale must be an integer")
    metadata = scale.get("metadata") or {}
    if replicas < 0:
        error = invalid_value("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid("Scale", "autoscaling", obj["metadata"]["name"], [error])
    result = copy.deepcopy(obj)
    for field in ("name", "namespace", "uid", "resourceVersion"):
        if field == "resourceVersion" and not metadata.get(field):
            result["metadata"].pop(field)
        elif metadata.get(field):
            result["metadata"][field] = metadata[field]
    node = result
    *parents, last = _paths(resource).spec_replicas.strip(".").split(".")
    for step in parents:
        node = node.setdefault(step, {})
    node[last] = replicas
    return result


def _paths(resource: Resource) -> ScalePaths:
    if resource.scale is None:
        raise ValueError(f"{resource.qualified} has no scale")
    return resource.scale
