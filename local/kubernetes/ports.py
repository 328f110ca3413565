"""Where a pod listens: the one thing that differs from a cluster with a network of its own.

Here every pod has the address 127.0.0.1, so the port in its spec (80) cannot be the port it listens on. The kubelet
writes the real one into an annotation when the function listens, as JSON from container port name to number:

    local.blue-faas.dev/listening: {"http-app": 40123}

A Service's ``targetPort`` is resolved by it (`local.kubernetes.service_endpoints`).
"""

import json

from local.kubernetes.machinery.resources import Json

LISTENING_ANNOTATION = "local.blue-faas.dev/listening"


def listening_value(ports: dict[str, int]) -> str:
    """Write the annotation's value for a pod that listens on these ports."""
    return json.dumps(ports, sort_keys=True)


def listening_ports(pod: Json) -> dict[str, int]:
    """Container port name to the number really listened on; empty until the kubelet has written it."""
    text = (pod["metadata"].get("annotations") or {}).get(LISTENING_ANNOTATION)
    try:
        ports = json.loads(text) if text else {}
    except ValueError:
        return {}
    return {str(name): int(number) for name, number in ports.items()} if isinstance(ports, dict) else {}


def resolve_target_port(pod: Json, target: str | int | None, port: int) -> int | None:
    """Find the number of a Service port's ``targetPort`` for this pod; None while the pod does not listen there.

    A pod without the annotation (any real node) is resolved by its spec, as Kubernetes does.
    """
    wanted = port if target is None else target
    ports = (declared for container in pod["spec"]["containers"] for declared in container.get("ports") or ())
    found = next((declared for declared in ports if wanted in (declared.get("name"), declared["containerPort"])), None)
    if found is None:
        return wanted if isinstance(wanted, int) else None
    if LISTENING_ANNOTATION in (pod["metadata"].get("annotations") or {}):
        return listening_ports(pod).get(found.get("name") or str(found["containerPort"]))
    return int(found["containerPort"])
