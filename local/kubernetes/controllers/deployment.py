"""Deployment -> ReplicaSets: one per template, and the rolling move from the old ones to the new one.

What SpinApps never ask for is refused (`local.kubernetes.api.not_served`). During a rollout, only the new ReplicaSet
follows a change of size.
"""

from local.kubernetes.controllers.deployment_status import seconds_to_deadline, status_of
from local.kubernetes.controllers.rollout import (
    HASH_LABEL,
    is_complete,
    new_set_size,
    old_set_sizes,
    same_template,
    spec_replicas,
    status_count,
    template_hash,
)
from local.kubernetes.machinery.api import Api, key_of, object_of
from local.kubernetes.machinery.controller import Controller, WorkQueue
from local.kubernetes.machinery.events import EventRecorder
from local.kubernetes.machinery.meta import changed, controller_of, controller_uid, is_terminating, owner_reference
from local.kubernetes.machinery.resources import DEPLOYMENTS, REPLICA_SETS, Json, Resource

REVISION = "deployment.kubernetes.io/revision"
_NOT_COPIED = {REVISION, "kubectl.kubernetes.io/last-applied-configuration"}
_HISTORY_LIMIT = 10


class DeploymentController(Controller):
    """Moves every Deployment towards its template and size, and reports how far it is."""

    name = "deployment"

    def __init__(self, api: Api, queue: WorkQueue, events: EventRecorder) -> None:
        super().__init__(api, queue, events)
        self._deployments = api.informer(DEPLOYMENTS)
        self._sets = api.informer(REPLICA_SETS)
        self._deployments.add_handler(lambda before, after: self.enqueue(key_of(object_of(before, after))))
        self._sets.add_handler(self._set_changed)

    def _set_changed(self, before: Json | None, after: Json | None) -> None:
        replica_set = object_of(before, after)
        owner = controller_of(replica_set)
        if owner.get("kind") == DEPLOYMENTS.kind:
            self.enqueue((replica_set["metadata"]["namespace"], owner["name"]))

    def reconcile(self, namespace: str, name: str) -> float | None:
        """One step of the rollout, then the report."""
        deployment = self._deployments.get(namespace, name)
        if deployment is None or is_terminating(deployment):
            return None
        new, created = self._current_set(deployment)
        old = self._old_sets(deployment, new)
        wanted = new_set_size(deployment, new, [*old, new])
        if wanted != spec_replicas(new):
            self._resize(deployment, new, wanted)  # its status brings us back
        elif not created:
            sizes = old_set_sizes(deployment, new, old)
            for replica_set in old:
                if (size := sizes.get(replica_set["metadata"]["name"])) is not None:
                    self._resize(deployment, replica_set, size)
        if is_complete(deployment, new, [*old, new]):
            self._clean_up(deployment, old)
        return self._report(namespace, name, created)

    def _all_sets(self, deployment: Json) -> list[Json]:
        """List the ReplicaSets of a Deployment, oldest first."""
        uid, namespace = deployment["metadata"]["uid"], deployment["metadata"]["namespace"]
        owned = [found for found in self._sets.items(namespace) if controller_uid(found) == uid]
        return sorted(owned, key=lambda found: (found["metadata"]["creationTimestamp"], _revision(found)))

    def _old_sets(self, deployment: Json, new: Json) -> list[Json]:
        return [found for found in self._all_sets(deployment) if found["metadata"]["uid"] != new["metadata"]["uid"]]

    def _current_set(self, deployment: Json) -> tuple[Json, bool]:
        """Make the ReplicaSet of the present template, or bring it to the newest revision; say whether it was made."""
        sets = self._all_sets(deployment)
        found = next((entry for entry in sets if same_template(entry, deployment)), None)
        newest_old = max((_revision(entry) for entry in sets if entry is not found), default=0)
        created = found is None
        if found is None:
            found = self._make(deployment, newest_old + 1, sets)
        elif _revision(found) <= newest_old:  # a rollback: an old template is the present one again
            found = self._patch(REPLICA_SETS, found, {"metadata": {"annotations": {REVISION: str(newest_old + 1)}}})
        if _revision(deployment) != _revision(found):
            self._patch(DEPLOYMENTS, deployment, {"metadata": {"annotations": {REVISION: str(_revision(found))}}})
        return found, created

    def _make(self, deployment: Json, revision: int, sets: list[Json]) -> Json:
        template = deployment["spec"]["template"]
        hash_value = template_hash(template)
        labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: hash_value}
        selector = dict(deployment["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hash_value}
        kept = {k: v for k, v in (deployment["metadata"].get("annotations") or {}).items() if k not in _NOT_COPIED}
        namespace, owner = key_of(deployment)
        name, size = f"{owner}-{hash_value}", new_set_size(deployment, None, sets)
        body = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "annotations": {**kept, REVISION: str(revision)},
                "ownerReferences": [owner_reference(deployment, DEPLOYMENTS)],
            },
            "spec": {
                "replicas": size,
                "selector": selector,
                "template": {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}},
            },
        }
        made = self._api.create(REPLICA_SETS, namespace, body)
        self._scaling_event(deployment, name, 0, size)
        return made

    def _resize(self, deployment: Json, replica_set: Json, size: int) -> None:
        self._patch(REPLICA_SETS, replica_set, {"spec": {"replicas": size}})
        self._scaling_event(deployment, replica_set["metadata"]["name"], spec_replicas(replica_set), size)

    def _patch(self, resource: Resource, obj: Json, change: Json) -> Json:
        return self._api.patch(resource, *key_of(obj), change)

    def _scaling_event(self, deployment: Json, name: str, before: int, after: int) -> None:
        if before != after:
            way = "up" if after > before else "down"
            message = f"Scaled {way} replica set {name} from {before} to {after}"
            self._events.event(deployment, "Normal", "ScalingReplicaSet", message)

    def _clean_up(self, deployment: Json, old: list[Json]) -> None:
        limit = deployment["spec"].get("revisionHistoryLimit", _HISTORY_LIMIT)
        empty = [found for found in old if not spec_replicas(found) and not status_count(found, "replicas")]
        for replica_set in sorted(empty, key=_revision)[: max(0, len(empty) - limit)]:
            self._api.delete(REPLICA_SETS, *key_of(replica_set), uid=replica_set["metadata"]["uid"])

    def _report(self, namespace: str, name: str, created: bool) -> float | None:
        deployment = self._deployments.get(namespace, name)
        if deployment is None:
            return None
        sets = self._all_sets(deployment)
        new = next(entry for entry in sets if same_template(entry, deployment))
        status = status_of(deployment, new, sets, created)
        if changed(deployment, status):
            self._api.patch(DEPLOYMENTS, namespace, name, {"status": status}, "status")
        return seconds_to_deadline(deployment, status)


def _revision(obj: Json) -> int:
    return int((obj["metadata"].get("annotations") or {}).get(REVISION) or 0)
