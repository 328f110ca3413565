"""Pod -> node: the first node whose labels and taints suit the pod. Admission has put into it what its class asks for.

The one machine shows two nodes (see `local.kubernetes.seed`), one per capacity type, so that what an executor's
RuntimeClass asks for ("on-demand only", "spot too") is seen to work: `kubectl get pods -o wide`.
"""

from local.kubernetes.machinery.api import Api, key_of
from local.kubernetes.machinery.controller import Controller, WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.meta import is_pod_active, is_true, put_condition
from local.kubernetes.machinery.resources import NODES, PODS, Json


class Scheduler(Controller):
    """Assigns every new pod to a node."""

    name = "scheduler"

    def __init__(self, api: Api, queue: WorkQueue, events: EventRecorder) -> None:
        super().__init__(api, queue, events)
        self._pods = api.informer(PODS)
        self._nodes = api.informer(NODES)
        self._pods.add_handler(self._pod_changed)
        self._nodes.add_handler(self._nodes_changed)

    def _pod_changed(self, _before: Json | None, pod: Json | None) -> None:
        if pod is not None and not pod["spec"].get("nodeName"):
            self.enqueue(key_of(pod))

    def _nodes_changed(self, _before: Json | None, _after: Json | None) -> None:
        for pod in self._pods.items():
            self._pod_changed(None, pod)

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Assign one pod, or say why no node takes it."""
        pod = self._pods.get(namespace, name)
        if pod is None or pod["spec"].get("nodeName") or not is_pod_active(pod):
            return None
        nodes = sorted(self._nodes.items(), key=lambda node: str(node["metadata"]["name"]), reverse=True)
        chosen = next((node for node in nodes if suits(node, pod)), None)
        conditions = [dict(entry) for entry in pod.get("status", {}).get("conditions") or []]
        if chosen is None:
            message = f"0/{len(nodes)} nodes are available: none has the labels asked for and only tolerated taints."
            if not is_unschedulable(pod):
                self._events.event(pod, "Warning", "FailedScheduling", message)
                unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
                put_condition(conditions, {**unschedulable, "message": message})
                status = {"phase": "Pending", "conditions": conditions}
                self._api.patch(PODS, namespace, name, {"status": status}, "status")
            return None
        node_name = chosen["metadata"]["name"]
        self._api.bind(namespace, name, node_name)
        self._events.event(pod, "Normal", "Scheduled", f"Successfully assigned {namespace}/{name} to {node_name}")
        return None


def is_unschedulable(pod: Json) -> bool:
    """Whether the pod says already that no node takes it."""
    conditions = pod.get("status", {}).get("conditions")
    return any(entry["type"] == "PodScheduled" and entry["status"] == "False" for entry in conditions or [])


def suits(node: Json, pod: Json) -> bool:
    """Whether a node takes a pod: labels, taints, readiness."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (pod["spec"].get("nodeSelector") or {}).items()):
        return False
    tolerations = pod["spec"].get("tolerations") or []
    taints = [taint for taint in node["spec"].get("taints") or [] if taint["effect"] != "PreferNoSchedule"]
    if any(not any(_tolerates(toleration, taint) for toleration in tolerations) for taint in taints):
        return False
    return is_true(node.get("status", {}).get("conditions"), "Ready") and not node["spec"].get("unschedulable")


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("operator") == "Exists":
        return not toleration.get("key") or toleration["key"] == taint["key"]
    return (toleration.get("key"), toleration.get("value", "")) == (taint["key"], taint.get("value", ""))
