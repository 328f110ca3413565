"""ReplicaSet -> pods: as many as asked for, all from its template."""

import random
from datetime import datetime

from kubernetes.client.exceptions import ApiException

from local.kubernetes.controllers.rollout import spec_replicas
from local.kubernetes.machinery.api import KubernetesApi, is_conflict, is_not_found, message_of
from local.kubernetes.machinery.controller import Controller
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.informer import Change, InformerSet, controller_uid, key_of
from local.kubernetes.machinery.meta import (
    condition,
    is_pod_active,
    is_pod_ready,
    is_terminating,
    matches,
    owner_reference,
    put_condition,
    seconds_since,
)
from local.kubernetes.machinery.resources import PODS, REPLICA_SETS, Json

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
MOST_AT_ONCE = 100


class ReplicaSetController(Controller):
    """Creates and deletes pods until their number is right, and counts them."""

    name = "replicaset"

    def __init__(self, api: KubernetesApi, informers: InformerSet, events: EventRecorder) -> None:
        super().__init__()
        self._api = api
        self._events = events
        self._sets = informers.of(REPLICA_SETS)
        self._pods = informers.of(PODS)
        # Pods deleted by us whose end the watch has not told yet: they do not count any more.
        self._deleted: set[str] = set()
        self._sets.add_handler(lambda _change, _before, replica_set: self.queue.add(key_of(replica_set)))
        self._pods.add_handler(self._pod_changed)

    def _pod_changed(self, change: Change, _before: Json | None, pod: Json) -> None:
        if change is Change.DELETED:
            self._deleted.discard(pod["metadata"]["uid"])
        for reference in pod["metadata"].get("ownerReferences") or []:
            if reference.get("controller") and reference["kind"] == "ReplicaSet":
                self.queue.add((pod["metadata"]["namespace"], reference["name"]))

    def reconcile(self, namespace: str, name: str) -> float | None:
        """Create or delete pods, then report the counts."""
        replica_set = self._sets.get(namespace, name)
        if replica_set is None:
            return None
        uid = replica_set["metadata"]["uid"]
        pods = [
            pod
            for pod in self._pods.items(namespace)
            if controller_uid(pod) == uid and is_pod_active(pod) and pod["metadata"]["uid"] not in self._deleted
        ]
        failure: str | None = None
        if not is_terminating(replica_set):
            missing = spec_replicas(replica_set) - len(pods)
            if missing > 0:
                failure = self._create(replica_set, pods, min(missing, MOST_AT_ONCE))
            elif missing < 0:
                self._delete(replica_set, pods, -missing)
        again = self._report(replica_set, pods, failure)
        if failure is not None:
            self.queue.add_failed((namespace, name))
        return again

    def _create(self, replica_set: Json, pods: list[Json], count: int) -> str | None:
        """Make pods; returns the server's sentence when it refuses one (a quota, for example)."""
        namespace = replica_set["metadata"]["namespace"]
        template = replica_set["spec"]["template"]
        metadata = template.get("metadata") or {}
        for _ in range(count):
            suffix = "".join(random.choices(_NAME_ALPHABET, k=5))  # noqa: S311  (a name, not a secret)
            body = {
                "metadata": {
                    "name": f"{replica_set['metadata']['name']}-{suffix}",
                    "generateName": f"{replica_set['metadata']['name']}-",
                    "namespace": namespace,
                    "labels": dict(metadata.get("labels") or {}),
                    "annotations": dict(metadata.get("annotations") or {}),
                    "ownerReferences": [owner_reference(replica_set, REPLICA_SETS)],
                },
                "spec": template["spec"],
            }
            try:
                pod = self._api.create(PODS, namespace, body)
            except ApiException as error:
                if is_not_found(error):
                    return None  # the namespace is on its way out
                reason = f"Error creating: {message_of(error)}"
                self._events.event(replica_set, "Warning", "FailedCreate", reason)
                return message_of(error)
            self._pods.remember(pod)
            pods.append(pod)
            self._events.event(replica_set, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        return None

    def _delete(self, replica_set: Json, pods: list[Json], count: int) -> None:
        for pod in sorted(pods, key=_worth)[:count]:
            uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
            self._deleted.add(uid)
            try:
                self._api.delete(PODS, pod["metadata"]["namespace"], name, uid=uid)
            except ApiException as error:
                if not (is_not_found(error) or is_conflict(error)):
                    self._deleted.discard(uid)
                    raise
            pods.remove(pod)
            self._events.event(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name}")

    def _report(self, replica_set: Json, pods: list[Json], failure: str | None) -> float | None:
        min_ready = int(replica_set["spec"].get("minReadySeconds") or 0)
        ready = [pod for pod in pods if is_pod_ready(pod)]
        waits = [wait for pod in ready if (wait := available_in(pod, min_ready)) > 0]
        labels = {"matchLabels": (replica_set["spec"]["template"].get("metadata") or {}).get("labels") or {}}
        old = replica_set.get("status") or {}
        conditions = [dict(entry) for entry in old.get("conditions") or [] if entry["type"] != "ReplicaFailure"]
        if failure is not None:
            if previous := condition(old.get("conditions"), "ReplicaFailure"):
                conditions.append(dict(previous))
            put_condition(
                conditions,
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": failure},
            )
        status = {
            "replicas": len(pods),
            "fullyLabeledReplicas": sum(matches(labels, pod["metadata"].get("labels")) for pod in pods),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready) - len(waits),
            "observedGeneration": replica_set["metadata"].get("generation", 0),
            "conditions": conditions,
        }
        empty: dict[str, object] = {"conditions": []}
        if any(old.get(field, empty.get(field, 0)) != value for field, value in status.items()):
            namespace, name = key_of(replica_set)
            try:
                self._sets.remember(self._api.patch(REPLICA_SETS, namespace, name, {"status": status}, "status"))
            except ApiException as error:
                if not is_not_found(error):
                    raise
        return min(waits) if waits else None


def available_in(pod: Json, min_ready_seconds: int) -> float:
    """Seconds until a ready pod counts as available; 0 when it does."""
    if not min_ready_seconds:
        return 0.0
    ready = condition(pod.get("status", {}).get("conditions"), "Ready") or {}
    return max(0.0, min_ready_seconds - seconds_since(ready.get("lastTransitionTime")))


def _worth(pod: Json) -> tuple[bool, bool, bool, float]:
    """Order in which pods are given up: unassigned, not running, not ready, then the youngest."""
    created = pod["metadata"].get("creationTimestamp")
    return (
        bool(pod["spec"].get("nodeName")),
        pod.get("status", {}).get("phase") == "Running",
        is_pod_ready(pod),
        -datetime.fromisoformat(created).timestamp() if created else 0.0,
    )
