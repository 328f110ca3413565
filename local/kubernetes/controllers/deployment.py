"""Deployment -> ReplicaSets: one per template, and the rolling move from the old ones to the new one."""

from typing import Any

from kubernetes.client.exceptions import ApiException

from local.kubernetes.controllers.deployment_status import COUNTS, seconds_to_deadline, status_of
from local.kubernetes.controllers.rollout import (
    HASH_LABEL,
    budget_of,
    is_complete,
    new_set_size,
    old_set_sizes,
    proportional_sizes,
    same_template,
    spec_replicas,
    status_count,
    template_hash,
)
from local.kubernetes.machinery.api import KubernetesApi, is_conflict, is_not_found
from local.kubernetes.machinery.controller import Controller
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.informer import Change, InformerSet, controller_uid, key_of
from local.kubernetes.machinery.meta import is_terminating, owner_reference
from local.kubernetes.machinery.resources import DEPLOYMENTS, PODS, REPLICA_SETS, Json

REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = {REVISION, DESIRED, MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration"}


class DeploymentController(Controller):
    """Moves every Deployment towards its template and size, and reports how far it is."""

    name = "deployment"

    def __init__(self, api: KubernetesApi, informers: InformerSet, events: EventRecorder) -> None:
        super().__init__()
        self._api = api
        self._events = events
        self._deployments = informers.of(DEPLOYMENTS)
        self._sets = informers.of(REPLICA_SETS)
        self._pods = informers.of(PODS)
        self._deployments.add_handler(lambda _change, _before, deployment: self.queue.add(key_of(deployment)))
        self._sets.add_handler(self._set_changed)
        self._pods.add_handler(self._pod_changed)

    def _set_changed(self, _change: Change, _before: Json | None, replica_set: Json) -> None:
        for reference in replica_set["metadata"].get("ownerReferences") or []:
            if reference.get("controller") and reference["kind"] == "Deployment":
                self.queue.add((replica_set["metadata"]["namespace"], reference["name"]))

    def _pod_changed(self, change: Change, _before: Json | None, pod: Json) -> None:
        """A Recreate rollout waits for the last old pod to be gone, which no ReplicaSet's status tells."""
        if change is not Change.DELETED:
            return
        namespace = pod["metadata"]["namespace"]
        for replica_set in self._sets.items(namespace):
            if replica_set["metadata"]["uid"] == controller_uid(pod):
                self._set_changed(change, None, replica_set)

    def reconcile(self, namespace: str, name: str) -> float | None:
        """One step of the rollout, then the report."""
        deployment = self._deployments.get(namespace, name)
        if deployment is None or is_terminating(deployment):
            return None
        owned = self._sets.owned_by(deployment["metadata"]["uid"], namespace)
        sets: list[Json] = sorted(owned, key=lambda s: (s["metadata"].get("creationTimestamp", ""), _revision(s)))
        new = next((s for s in sets if same_template(s, deployment)), None)
        paused = bool(deployment["spec"].get("paused"))
        created = False
        if not paused:
            new, created = self._current_set(deployment, new, sets)
            sets = [s for s in sets if s["metadata"]["name"] != new["metadata"]["name"]] + [new]
        old = [s for s in sets if s is not new]
        if paused or _scaled(deployment, sets):
            sets = self._scale_proportionally(deployment, new, old)
        elif new is not None and not created:
            sets = self._roll(deployment, new, old)
        if new is not None:
            new = next(s for s in sets if s["metadata"]["name"] == new["metadata"]["name"])
            if is_complete(deployment, new, sets):
                self._clean_up(deployment, [s for s in sets if s is not new])
        return self._report(deployment, new, sets, created)

    def _current_set(self, deployment: Json, found: Json | None, sets: list[Json]) -> tuple[Json, bool]:
        """The ReplicaSet of the present template, made or brought to the newest revision."""
        newest_old = max((_revision(s) for s in sets if s is not found), default=0)
        revision = newest_old + 1
        if found is not None:
            if _revision(found) <= newest_old:  # a rollback: an old template is the present one again
                found = self._write_set(found, {"metadata": {"annotations": {REVISION: str(revision)}}})
            self._set_revision(deployment, _revision(found))
            return found, False
        template = deployment["spec"]["template"]
        hash_value = template_hash(template)
        labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: hash_value}
        selector = dict(deployment["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hash_value}
        kept = {k: v for k, v in (deployment["metadata"].get("annotations") or {}).items() if k not in _NOT_COPIED}
        name = f"{deployment['metadata']['name']}-{hash_value}"
        namespace = deployment["metadata"]["namespace"]
        size = new_set_size(deployment, None, sets)
        body = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "annotations": {**kept, REVISION: str(revision), **_size_annotations(deployment)},
                "ownerReferences": [owner_reference(deployment, DEPLOYMENTS)],
            },
            "spec": {
                "replicas": size,
                "selector": selector,
                "minReadySeconds": int(deployment["spec"].get("minReadySeconds") or 0),
                "template": {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}},
            },
        }
        made = self._api.create(REPLICA_SETS, namespace, body)
        self._sets.remember(made)
        self._set_revision(deployment, revision)
        self._scaling_event(deployment, name, 0, size)
        return made, True

    def _set_revision(self, deployment: Json, revision: int) -> None:
        if _revision(deployment) != revision:
            body = {"metadata": {"annotations": {REVISION: str(revision)}}}
            namespace, name = key_of(deployment)
            self._deployments.remember(self._api.patch(DEPLOYMENTS, namespace, name, body))

    def _roll(self, deployment: Json, new: Json, old: list[Json]) -> list[Json]:
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            shrunk = [self._resize(deployment, s, 0) for s in old]
            uids = {s["metadata"]["uid"] for s in old}
            namespace = deployment["metadata"]["namespace"]
            if any(controller_uid(pod) in uids for pod in self._pods.items(namespace)):
                return [*shrunk, new]
            return [*shrunk, self._resize(deployment, new, spec_replicas(deployment))]
        grown = self._resize(deployment, new, new_set_size(deployment, new, [*old, new]))
        if grown is not new:
            return [*old, grown]  # its status brings us back
        sizes = old_set_sizes(deployment, new, old)
        return [*(self._resize(deployment, s, sizes.get(s["metadata"]["name"], spec_replicas(s))) for s in old), new]

    def _scale_proportionally(self, deployment: Json, new: Json | None, old: list[Json]) -> list[Json]:
        everything = [*old, new] if new is not None else old
        active = [s for s in reversed(everything) if spec_replicas(s) > 0]
        replicas = spec_replicas(deployment)
        if len(active) <= 1:
            only = active[0] if active else new
            sizes = {only["metadata"]["name"]: replicas} if only is not None else {}
        elif new is not None and is_complete(deployment, new, everything):
            sizes = {new["metadata"]["name"]: replicas}
        else:
            sizes = proportional_sizes(deployment, active)
        return [self._resize(deployment, s, sizes.get(s["metadata"]["name"], spec_replicas(s))) for s in everything]

    def _resize(self, deployment: Json, replica_set: Json, size: int) -> Json:
        before = spec_replicas(replica_set)
        annotations = _size_annotations(deployment)
        present = replica_set["metadata"].get("annotations") or {}
        change: dict[str, Any] = {}
        if size != before:
            change["spec"] = {"replicas": size}
        if (size or before) and any(present.get(key) != value for key, value in annotations.items()):
            change["metadata"] = {"annotations": annotations}
        if not change:
            return replica_set
        written = self._write_set(replica_set, change)
        if size != before:
            self._scaling_event(deployment, replica_set["metadata"]["name"], before, size)
        return written

    def _write_set(self, replica_set: Json, change: Json) -> Json:
        namespace, name = key_of(replica_set)
        written = self._api.patch(REPLICA_SETS, namespace, name, change)
        self._sets.remember(written)
        return written

    def _scaling_event(self, deployment: Json, name: str, before: int, after: int) -> None:
        if before != after:
            way = "up" if after > before else "down"
            message = f"Scaled {way} replica set {name} from {before} to {after}"
            self._events.event(deployment, "Normal", "ScalingReplicaSet", message)

    def _clean_up(self, deployment: Json, old: list[Json]) -> None:
        limit = deployment["spec"].get("revisionHistoryLimit")
        keep = 10 if limit is None else int(limit)
        empty = [s for s in old if not spec_replicas(s) and not status_count(s, "replicas") and not is_terminating(s)]
        for replica_set in sorted(empty, key=_revision)[: max(0, len(empty) - keep)]:
            namespace, name = key_of(replica_set)
            try:
                self._api.delete(REPLICA_SETS, namespace, name, uid=replica_set["metadata"]["uid"])
            except ApiException as error:
                if not (is_not_found(error) or is_conflict(error)):
                    raise

    def _report(self, deployment: Json, new: Json | None, sets: list[Json], created: bool) -> float | None:
        namespace, name = key_of(deployment)
        # Our own writes (the revision) have moved it on.
        deployment = self._deployments.get(namespace, name) or deployment
        status = status_of(deployment, new, sets, created)
        old = deployment.get("status") or {}
        same_counts = all((old.get(field) or 0) == status[field] for field in (*COUNTS, "observedGeneration"))
        if not same_counts or (old.get("conditions") or []) != status["conditions"]:
            written = self._api.patch(DEPLOYMENTS, namespace, name, {"status": status}, "status")
            self._deployments.remember(written)
        return seconds_to_deadline(deployment, status)


def _revision(obj: Json) -> int:
    return int((obj["metadata"].get("annotations") or {}).get(REVISION) or 0)


def _size_annotations(deployment: Json) -> dict[str, str]:
    replicas = spec_replicas(deployment)
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + budget_of(deployment).surge)}


def _scaled(deployment: Json, sets: list[Json]) -> bool:
    """Whether the Deployment's size changed since its running ReplicaSets were last sized."""
    wanted = str(spec_replicas(deployment))
    running = [s for s in sets if spec_replicas(s) > 0]
    return any((s["metadata"].get("annotations") or {}).get(DESIRED) not in (None, wanted) for s in running)
