"""The HorizontalPodAutoscaler of an app: created, changed and deleted in step with the SpinApp.

The rule: **an autoscaler exists only while its SpinApp has ``enableAutoscaling``.** Otherwise the operator would set
the Deployment back to ``replicas`` each time that the autoscaler changes it. So the SpinApp is written before an
autoscaler is created, and after one is deleted. Between the two writes the app has autoscaling on and no autoscaler.
That state is consistent, and the same request sent again completes it.

Each write of an autoscaler is rehearsed as a dry run *before* the SpinApp is written. The server then refuses what it
would refuse later (a quota, a permission, a wrong bound) while nothing has changed yet.
"""

import contextlib
from dataclasses import dataclass

from functions.cluster import manifests
from functions.cluster.bounds import Bounds
from functions.cluster.client import Cluster
from functions.cluster.errors import OUTCOME_UNKNOWN, AlreadyExistsError, ConflictError, NotFoundError
from functions.cluster.names import Object, ObjectName
from functions.cluster.resources import AUTOSCALERS
from functions.cluster.retries import until_done
from functions.cluster.settings import DeploySettings


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The result of a rehearsal."""

    current: Object | None
    """The existing autoscaler; None if there is none."""
    to_do: bool
    """Whether there is anything to write."""


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """The autoscaler of one app, for the length of one deploy."""

    cluster: Cluster
    settings: DeploySettings
    name: ObjectName
    bounds: Bounds

    def rehearse(self, app: Object | None) -> Rehearsed:
        """Check with the server that it will accept `ensure`, and write nothing. ``app`` is None for a new app.

        Raises
        ------
        ValueError
            The bounds contradict each other, or an autoscaler of this name scales something else.
        ClusterError
            The server would refuse it.
        """
        if app is None:
            # A new app rarely has one, left by something of that name: not worth a call in advance.
            try:
                self._write(None, owner=None, dry_run=True)
                return Rehearsed(None, to_do=True)
            except AlreadyExistsError:
                pass
        current = self._current()
        return Rehearsed(current, self._write(current, owner=app, dry_run=True) or app is None)

    def ensure(self, app: Object, current: Object | None) -> bool:
        """Create the autoscaler of ``app``, or set the bounds that the request names.

        ``current`` is the autoscaler that the rehearsal found. Returns whether one was created.

        Raises
        ------
        ClusterError
            The autoscaler may be missing or have other bounds.
        """
        known = [current]

        def write() -> bool:
            # Another request wrote or deleted it, or the answer was lost: read again, and write what is left to write.
            found = known.pop() if known else self._current()
            self._write(found, owner=app, dry_run=False)
            return found is None

        again = (AlreadyExistsError, ConflictError, NotFoundError, *OUTCOME_UNKNOWN)
        return until_done(write, self.cluster.deadline, *again)

    def remove(self) -> None:
        """Delete the autoscaler, if there is one.

        Raises
        ------
        ClusterError
            It may still be there.
        """

        def delete() -> None:
            current = self._current()
            if current is not None:
                with contextlib.suppress(NotFoundError):
                    self.cluster.delete(AUTOSCALERS, self.name, current["metadata"]["uid"])

        until_done(delete, self.cluster.deadline, ConflictError, *OUTCOME_UNKNOWN)

    def _current(self) -> Object | None:
        return self.cluster.find(AUTOSCALERS, self.name)

    def _write(self, current: Object | None, owner: Object | None, *, dry_run: bool) -> bool:
        """Create it, or change what differs; return whether there was anything to write."""
        if current is None:
            self.cluster.create(AUTOSCALERS, self._new(owner), dry_run=dry_run)
            return True
        if patch := self._patch(current, owner):
            version = {"resourceVersion": current["metadata"]["resourceVersion"]}
            patch["metadata"] = {**patch.get("metadata", {}), **version}
            self.cluster.merge_patch(AUTOSCALERS, self.name, patch, dry_run=dry_run)
        return bool(patch)

    def _new(self, owner: Object | None) -> Object:
        bounds, settings = self.bounds, self.settings
        least = bounds.min_replicas or settings.kubernetes_min_replicas
        most = bounds.max_replicas or settings.kubernetes_max_replicas
        _check_bounds(least, most)
        target = bounds.target_cpu or settings.kubernetes_target_cpu
        return manifests.autoscaler(self.name, owner, least, most, target)

    def _patch(self, current: Object, owner: Object | None) -> Object:
        """Return the merge patch of an existing autoscaler; empty if nothing differs."""
        now, bounds = current["spec"], self.bounds
        target = now["scaleTargetRef"]
        if (target.get("kind"), target.get("name")) != ("Deployment", self.name.name):
            raise ValueError(
                f"HorizontalPodAutoscaler {self.name} scales "
                f"{target.get('kind')} '{target.get('name')}': choose another app_name, or delete it"
            )
        spec: Object = {}
        if bounds.min_replicas and bounds.min_replicas != now.get("minReplicas", 1):
            spec["minReplicas"] = bounds.min_replicas
        if bounds.max_replicas and bounds.max_replicas != now["maxReplicas"]:
            spec["maxReplicas"] = bounds.max_replicas
        if spec:
            _check_bounds(
                spec.get("minReplicas", now.get("minReplicas", 1)), spec.get("maxReplicas", now["maxReplicas"])
            )
        if bounds.target_cpu:
            metrics = _with_cpu_target(now.get("metrics") or [], bounds.target_cpu)
            if metrics != now.get("metrics"):
                spec["metrics"] = metrics
        patch: Object = {"spec": spec} if spec else {}
        if owner is not None and not _is_owned_by(current, owner):
            # It was created by hand, or it is left from an app of this name that was deleted a moment ago.
            patch["metadata"] = {"ownerReferences": [manifests.owner_reference(owner)]}
        return patch


def _check_bounds(least: int, most: int) -> None:
    if least > most:
        raise ValueError(f"min_replicas {least} exceeds max_replicas {most}: send both in one request")


def _with_cpu_target(metrics: list[Object], target: int) -> list[Object]:
    """Set the CPU target and keep all other metrics: a merge patch replaces the whole list."""
    others = [metric for metric in metrics if (metric.get("resource") or {}).get("name") != "cpu"]
    return [manifests.cpu_metric(target), *others]


def _is_owned_by(current: Object, owner: Object) -> bool:
    references = current["metadata"].get("ownerReferences") or []
    return any(reference.get("uid") == owner["metadata"]["uid"] for reference in references)
