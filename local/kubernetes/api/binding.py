"""The ``binding`` subresource of pods: how a scheduler puts a pod on a node."""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.decoding import WriteOptions
from local.kubernetes.api.errors import bad_request, conflict
from local.kubernetes.api.objects import Objects
from local.kubernetes.api.patches import MERGE_PATCH
from local.kubernetes.api.resources import Resource


def bind(objects: Objects, pods: Resource, namespace: str, name: str, body: Any, options: WriteOptions) -> None:
    """Put a pod on the node that a Binding names. Raises ApiError 400 without one, 409 when it is on one already."""
    target = body.get("target") if isinstance(body, dict) else None
    node = target.get("name") if isinstance(target, dict) else None
    if not isinstance(node, str) or not node:
        raise bad_request("a Binding must name its node in target.name")
    with objects.store.lock:
        pod = objects.get(pods, namespace, name)
        present = pod["spec"].get("nodeName")
        if present:
            raise conflict(pods, name, f'pod {name} is already assigned to node "{present}"')
        objects.patch(pods, namespace, name, MERGE_PATCH, {"spec": {"nodeName": node}}, options)
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": timestamp()}
        conditions = pod.get("status", {}).get("conditions", ())
        others = [condition for condition in conditions if condition["type"] != "PodScheduled"]
        status = {"status": {"conditions": [*others, scheduled]}}
        objects.patch(pods, namespace, name, MERGE_PATCH, status, options, "status")
