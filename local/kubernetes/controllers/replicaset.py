"""ReplicaSet -> pods: as many as asked for, all from its template."""

import random
from datetime import datetime

from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.selectors import match_label_selector
from local.kubernetes.controllers.rollout import spec_replicas
from local.kubernetes.machinery.api import Api, key_of, object_of
from local.kubernetes.machinery.controller import Controller, WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.meta import (
    changed,
    controller_of,
    controller_uid,
    is_pod_active,
    is_pod_ready,
    is_terminating,
    owner_reference,
    put_condition,
)
from local.kubernetes.machinery.resources import PODS, REPLICA_SETS, Json

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
MOST_AT_ONCE = 100
REFUSED_AGAIN_SECONDS = 1.0
"""When a pod that was refused (by a quota, for example) is tried again."""


class ReplicaSetController(Controller):
    """Creates and deletes pods until their number is right, and counts them."""

    name = "replicaset"

    def __init__(self, api: Api, queue: WorkQueue, events: EventRecorder) -> None:
        super().__init__(api, queue, events)
        self._sets = api.informer(REPLICA_SETS)
        self._pods = api.informer(PODS)
        self._sets.add_handler(lambda before, after: self.enqueue(key_of(object_of(before, after))))
        self._pods.add_handler(self._pod_changed)

    def _pod_changed(self, before: Json | None, after: Json | None) -> None:
        pod = object_of(before, after)
        owner = controller_of(pod)
        if owner.get("kind") == REPLICA_SETS.kind:
            self.enqueue((pod["metadata"]["namespace"], owner["name"]))

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Create or delete pods, then report the counts."""
        replica_set = self._sets.get(namespace, name)
        if replica_set is None:
            return None
        refused: str | None = None
        if not is_terminating(replica_set):
            pods = self._active_pods(replica_set)
            missing = spec_replicas(replica_set) - len(pods)
            refused = self._create(replica_set, min(missing, MOST_AT_ONCE))
            self._delete(replica_set, sorted(pods, key=_worth)[: max(0, -missing)])
        return self._report(replica_set, refused)

    def _active_pods(self, replica_set: Json) -> list[Json]:
        uid, namespace = replica_set["metadata"]["uid"], replica_set["metadata"]["namespace"]
        return [pod for pod in self._pods.items(namespace) if controller_uid(pod) == uid and is_pod_active(pod)]

    def _create(self, replica_set: Json, count: int) -> str | None:
        """Make pods; returns the server's sentence when it refuses one (a quota, for example)."""
        namespace, name = key_of(replica_set)
        template = replica_set["spec"]["template"]
        metadata = template.get("metadata") or {}
        for _ in range(count):
            suffix = "".join(random.choices(_NAME_ALPHABET, k=5))  # noqa: S311  (a name, not a secret)
            body = {
                "metadata": {
                    "name": f"{name}-{suffix}",
                    "generateName": f"{name}-",
                    "labels": dict(metadata.get("labels") or {}),
                    "annotations": dict(metadata.get("annotations") or {}),
                    "ownerReferences": [owner_reference(replica_set, REPLICA_SETS)],
                },
                "spec": template["spec"],
            }
            try:
                self._api.create(PODS, namespace, body)
            except ApiError as error:
                self._events.event(replica_set, "Warning", "FailedCreate", f"Error creating: {error.message}")
                return error.message
            self._events.event(replica_set, "Normal", "SuccessfulCreate", f"Created pod: {name}-{suffix}")
        return None

    def _delete(self, replica_set: Json, pods: list[Json]) -> None:
        for pod in pods:
            namespace, name = key_of(pod)
            self._api.delete(PODS, namespace, name, uid=pod["metadata"]["uid"])
            self._events.event(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name}")

    def _report(self, replica_set: Json, refused: str | None) -> float | None:
        pods = self._active_pods(replica_set)
        ready = sum(map(is_pod_ready, pods))
        labels = {"matchLabels": (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}}
        old = (replica_set.get("status") or {}).get("conditions") or []
        conditions = [dict(entry) for entry in old if refused is not None or entry["type"] != "ReplicaFailure"]
        if refused is not None:
            failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refused}
            put_condition(conditions, failure)
        status = {
            "replicas": len(pods),
            "fullyLabeledReplicas": sum(match_label_selector(labels, pod["metadata"].get("labels")) for pod in pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "observedGeneration": replica_set["metadata"].get("generation", 0),
            "conditions": conditions,
        }
        if changed(replica_set, status):
            self._api.patch(REPLICA_SETS, *key_of(replica_set), {"status": status}, "status")
        return None if refused is None else REFUSED_AGAIN_SECONDS


def _worth(pod: Json) -> tuple[bool, bool, bool, float]:
    """Order in which pods are given up: unassigned, not running, not ready, then the youngest."""
    created = pod["metadata"].get("creationTimestamp")
    return (
        bool(pod["spec"].get("nodeName")),
        pod.get("status", {}).get("phase") == "Running",
        is_pod_ready(pod),
        -datetime.fromisoformat(created).timestamp() if created else 0.0,
    )
