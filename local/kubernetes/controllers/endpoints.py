"""Service -> EndpointSlices: which pods a Service leads to, and which of them take requests now.

One slice per distinct set of port numbers, as in Kubernetes; see `local.kubernetes.ports` for why that is one slice
per pod here.
"""

from hashlib import sha256

from local.kubernetes.api.selectors import match_label_selector
from local.kubernetes.machinery.api import Api, key_of, object_of
from local.kubernetes.machinery.controller import Controller, WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.meta import controller_uid, is_pod_ready, is_terminating, owner_reference
from local.kubernetes.machinery.resources import ENDPOINT_SLICES, PODS, SERVICES, Json
from local.kubernetes.ports import resolve_target_port

SERVICE_LABEL = "kubernetes.io/service-name"
MANAGED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"

Ports = tuple[tuple[str, str, int], ...]
"""(name, protocol, number) of every port of a slice."""


class EndpointSliceController(Controller):
    """Writes the EndpointSlices of every Service that has a selector."""

    name = "endpointslice"

    def __init__(self, api: Api, queue: WorkQueue, events: EventRecorder) -> None:
        super().__init__(api, queue, events)
        self._services = api.informer(SERVICES)
        self._pods = api.informer(PODS)
        self._slices = api.informer(ENDPOINT_SLICES)
        self._services.add_handler(lambda before, after: self.enqueue(key_of(object_of(before, after))))
        self._pods.add_handler(self._pod_changed)
        self._slices.add_handler(self._slice_changed)

    def _pod_changed(self, before: Json | None, after: Json | None) -> None:
        states = [state for state in (before, after) if state is not None]
        for service in self._services.items(states[0]["metadata"]["namespace"]):
            selector = service["spec"].get("selector")
            if selector and any(_selects(selector, state) for state in states):
                self.enqueue(key_of(service))

    def _slice_changed(self, before: Json | None, after: Json | None) -> None:
        labels = (before or {}).get("metadata", {}).get("labels") or {}
        if before and after is None and labels.get(MANAGED_BY_LABEL) == MANAGER and SERVICE_LABEL in labels:
            self.enqueue((before["metadata"]["namespace"], labels[SERVICE_LABEL]))

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Write the slices that should be, take away those that should not."""
        service = self._services.get(namespace, name)
        if service is None or is_terminating(service) or not service["spec"].get("selector"):
            return None  # the owner reference takes the slices along
        wanted = self._wanted(service)
        present = {
            found["metadata"]["name"]: found
            for found in self._slices.items(namespace)
            if (found["metadata"].get("labels") or {}).get(SERVICE_LABEL) == name
            and (found["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL) == MANAGER
            and controller_uid(found) == service["metadata"]["uid"]
        }
        for slice_name, body in wanted.items():
            old = present.get(slice_name)
            if old is None:
                self._api.create(ENDPOINT_SLICES, namespace, body)
            elif old.get("endpoints") != body["endpoints"] or old.get("ports") != body["ports"]:
                change = {"endpoints": body["endpoints"], "ports": body["ports"]}
                self._api.patch(ENDPOINT_SLICES, namespace, slice_name, change)
        for slice_name, found in present.items():
            if slice_name not in wanted:
                self._api.delete(ENDPOINT_SLICES, namespace, slice_name, uid=found["metadata"]["uid"])
        return None

    def _wanted(self, service: Json) -> dict[str, Json]:
        namespace, name = key_of(service)
        groups: dict[Ports, list[Json]] = {}
        for pod in self._pods.items(namespace):
            if not _selects(service["spec"]["selector"], pod) or not _has_address(pod):
                continue
            ports = _ports(service, pod)
            if ports is not None:
                groups.setdefault(ports, []).append(_endpoint(pod, service))
        return {
            slice_name: _slice(service, slice_name, ports, endpoints)
            for ports, endpoints in groups.items()
            for slice_name in [f"{name}-{sha256(repr(ports).encode()).hexdigest()[:10]}"]
        }


def _selects(selector: dict[str, str], pod: Json) -> bool:
    return match_label_selector({"matchLabels": selector}, pod["metadata"].get("labels"))


def _has_address(pod: Json) -> bool:
    status = pod.get("status", {})
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _ports(service: Json, pod: Json) -> Ports | None:
    """Return the pod's numbers for the Service's ports; None when one of them is not there (yet)."""
    numbers: list[tuple[str, str, int]] = []
    for port in service["spec"].get("ports") or []:
        number = resolve_target_port(pod, port.get("targetPort"), port["port"])
        if number is None:
            return None
        numbers.append((port.get("name", ""), port.get("protocol", "TCP"), number))
    return tuple(numbers)


def _endpoint(pod: Json, service: Json) -> Json:
    serving, terminating = is_pod_ready(pod), is_terminating(pod)
    publish = bool(service["spec"].get("publishNotReadyAddresses"))
    endpoint: Json = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": publish or (serving and not terminating),
            "serving": serving,
            "terminating": terminating,
        },
        "targetRef": {
            "kind": "Pod",
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
        },
    }
    if pod["spec"].get("nodeName"):
        endpoint["nodeName"] = pod["spec"]["nodeName"]
    return endpoint


def _slice(service: Json, slice_name: str, ports: Ports, endpoints: list[Json]) -> Json:
    namespace, name = key_of(service)
    return {
        "metadata": {
            "name": slice_name,
            "namespace": namespace,
            "labels": {
                **(service["metadata"].get("labels") or {}),
                SERVICE_LABEL: name,
                MANAGED_BY_LABEL: MANAGER,
            },
            "ownerReferences": [owner_reference(service, SERVICES)],
        },
        "addressType": "IPv4",
        "ports": [{"name": port, "protocol": protocol, "port": number} for port, protocol, number in ports],
        "endpoints": sorted(endpoints, key=lambda endpoint: str(endpoint["targetRef"]["name"])),
    }
