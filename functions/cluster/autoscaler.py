"""The HorizontalPodAutoscaler of an app: made, changed and taken away so that it never contradicts the SpinApp.

The rule: **an autoscaler exists only while its SpinApp says ``enableAutoscaling``.** Were it otherwise, the operator
would set the Deployment back to ``replicas`` as often as the autoscaler changed it. So the SpinApp is written before
an autoscaler is made, and after one is deleted. Between the two writes the app has autoscaling on and no autoscaler:
nothing contradicts anything, and the same request sent again completes it.

Each write of an autoscaler goes through admission as a dry run *before* the SpinApp is touched: what would be refused
(a quota, a permission, a wrong bound) is refused while nothing has happened yet.
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
    """What a rehearsal found."""

    current: Object | None
    """The autoscaler as it is; None where there is none."""
    to_do: bool
    """Whether anything is to be written."""


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """The autoscaler of one app, for the length of one deploy."""

    cluster: Cluster
    settings: DeploySettings
    name: ObjectName
    bounds: Bounds

    def rehearse(self, app: Object | None) -> Rehearsed:
        """Check with the server that `ensure` will be accepted; nothing is written. ``app``: None for a new one.

        Raises
        ------
        ValueError
            The bounds do not fit together, or the name is taken by the autoscaler of something else.
        ClusterError
            The server would refuse it.
        """
        if app is None:
            # A new app has none, but for one left by something of that name: not worth a question in advance.
            try:
                self._write(None, owner=None, dry_run=True)
                return Rehearsed(None, to_do=True)
            except AlreadyExistsError:
                pass
        current = self._current()
        return Rehearsed(current, self._write(current, owner=app, dry_run=True) or app is None)

    def ensure(self, app: Object, current: Object | None) -> bool:
        """Make or change the autoscaler of ``app`` to the named bounds; leave alone what is not named.

        ``current`` is what the rehearsal found. Returns whether one was made.

        Raises
        ------
        ClusterError
            The autoscaler is not as it should be.
        """
        known = [current]

        def write() -> bool:
            # Somebody else wrote (or deleted) it, or the answer was lost: look again, and do what is left to do.
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
        """Make it, or change what is not as it should be; returns whether there was anything to do."""
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
        least = bounds.min_replicas or settings.hpa_min_replicas
        most = bounds.max_replicas or settings.hpa_max_replicas
        _check_bounds(least, most)
        target = bounds.target_cpu or settings.hpa_target_cpu
        return manifests.autoscaler(self.name, owner, least, most, target)

    def _patch(self, current: Object, owner: Object | None) -> Object:
        """What to change of an autoscaler that is there; empty when it is as it should be."""
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
            # One that was made by hand, or that is left from an app of this name deleted a moment ago.
            patch["metadata"] = {"ownerReferences": [manifests.owner_reference(owner)]}
        return patch


def _check_bounds(least: int, most: int) -> None:
    if least > most:
        raise ValueError(f"min_replicas {least} is over max_replicas {most}: send both in one request")


def _with_cpu_target(metrics: list[Object], target: int) -> list[Object]:
    """The metrics with the CPU target set and all others kept: a merge patch replaces the list whole."""
    others = [metric for metric in metrics if (metric.get("resource") or {}).get("name") != "cpu"]
    return [manifests.cpu_metric(target), *others]


def _is_owned_by(current: Object, owner: Object) -> bool:
    references = current["metadata"].get("ownerReferences") or []
    return any(reference.get("uid") == owner["metadata"]["uid"] for reference in references)
