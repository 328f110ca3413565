"""What a pod reports: phase, conditions and container states, as a kubelet writes them. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from local.kubernetes.api.clock import timestamp
from local.kubernetes.machinery.meta import put_condition
from local.kubernetes.machinery.resources import Json

POD_IP = "127.0.0.1"


@dataclass
class ContainerState:
    """One container as it stands now."""

    name: str
    image: str
    state: Json = field(default_factory=lambda: waiting("ContainerCreating"))
    last_state: Json = field(default_factory=dict)
    ready: bool = False
    restarts: int = 0
    image_id: str = ""
    container_id: str = ""
    port: int | None = None
    """Where it listens now."""

    def as_status(self) -> Json:
        """Make the entry of ``containerStatuses``."""
        status: Json = {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "state": self.state,
            "lastState": self.last_state,
            "ready": self.ready,
            "restartCount": self.restarts,
            "started": "running" in self.state,
        }
        if self.container_id:
            status["containerID"] = self.container_id
        return status


def waiting(reason: str, message: str = "") -> Json:
    """State of a container that does not run (yet)."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running(started: str) -> Json:
    """State of a container that runs."""
    return {"running": {"startedAt": started}}


def terminated(code: int, started: str, container_id: str, reason: str = "", message: str = "") -> Json:
    """State of a container that ended."""
    state: Json = {
        "exitCode": code,
        "reason": reason or ("Completed" if code == 0 else "Error"),
        "startedAt": started,
        "finishedAt": timestamp(),
        "containerID": container_id,
    }
    return {"terminated": {**state, **({"message": message} if message else {})}}


def pod_status(pod: Json, containers: Sequence[ContainerState], started: str, old_conditions: list[Json]) -> Json:
    """Make the whole status of a pod on this node.

    Parameters
    ----------
    pod
        Its object.
    containers
        Its containers as they stand.
    started
        When the kubelet took the pod in.
    old_conditions
        As last written, for the times of their changes.
    """
    phase = "Running" if any(container.container_id for container in containers) else "Pending"
    unready = [container.name for container in containers if not container.ready]
    conditions = [dict(entry) for entry in old_conditions]
    put_condition(conditions, {"type": "PodScheduled", "status": "True"})
    put_condition(conditions, {"type": "Initialized", "status": "True"})
    for kind in ("ContainersReady", "Ready"):
        entry: Json = {"type": kind, "status": "False" if unready else "True"}
        if unready:
            entry["reason"] = "ContainersNotReady"
            entry["message"] = f"containers with unready status: [{' '.join(unready)}]"
        put_condition(conditions, entry)
    status: Json = {
        "phase": phase,
        "conditions": conditions,
        "containerStatuses": [container.as_status() for container in containers],
        "hostIP": POD_IP,
        "hostIPs": [{"ip": POD_IP}],
        "startTime": started,
        "qosClass": _qos_class(pod),
    }
    if phase == "Running":
        status |= {"podIP": POD_IP, "podIPs": [{"ip": POD_IP}]}
    return status


def _qos_class(pod: Json) -> str:
    resources = [container.get("resources") or {} for container in pod["spec"]["containers"]]
    if not any(entry.get("requests") or entry.get("limits") for entry in resources):
        return "BestEffort"
    for entry in resources:
        limits = entry.get("limits") or {}
        requests = {**limits, **(entry.get("requests") or {})}
        if not {"cpu", "memory"} <= limits.keys() or any(requests[name] != limits[name] for name in limits):
            return "Burstable"
    return "Guaranteed"
