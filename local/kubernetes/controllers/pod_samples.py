"""Which pods' samples count for a HorizontalPodAutoscaler: a pod that is just starting says nothing about the load.

The rules are those of kube-controller-manager, with its defaults
(https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details). They matter for
functions more than for most: the start compiles the component, which takes a whole core for seconds.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from local.kubernetes.machinery.meta import condition, is_pod_active, quantity
from local.kubernetes.machinery.resources import Json

CPU_INITIALIZATION_PERIOD: Final = timedelta(minutes=5)
"""``--horizontal-pod-autoscaler-cpu-initialization-period``: younger pods count only with a sample that was taken
wholly after they became ready."""
INITIAL_READINESS_DELAY: Final = timedelta(seconds=30)
"""``--horizontal-pod-autoscaler-initial-readiness-delay``: an unready pod whose readiness last changed this soon after
its start is taken never to have been ready."""
_RESOLUTION: Final = timedelta(seconds=1)
"""Times in the API are cut to whole seconds. Samples are far longer than that on a real cluster, but not here."""


@dataclass
class PodGroups:
    """The pods of a target, by what is known of their use of one resource."""

    used: dict[str, Decimal] = field(default_factory=dict)
    """Pod to use, for pods that count."""
    unready: set[str] = field(default_factory=set)
    """Pods that are starting: nothing is known, and a sample of them would mislead."""
    missing: set[str] = field(default_factory=set)
    """Pods without a sample."""


def group(pods: list[Json], usage: dict[str, Json], resource: str, now: datetime) -> PodGroups:
    """Sort pods by whether their samples count.

    Parameters
    ----------
    pods
        All pods of the target; those that ended or are about to go are left out.
    usage
        PodMetrics by pod name.
    resource
        ``cpu`` or ``memory``; only for CPU do the start-up rules hold.
    now
        An aware time.
    """
    groups = PodGroups()
    for pod in filter(is_pod_active, pods):
        name = pod["metadata"]["name"]
        if pod.get("status", {}).get("phase", "Pending") == "Pending":
            groups.unready.add(name)
        elif name not in usage:
            groups.missing.add(name)
        elif resource == "cpu" and _is_starting(pod["status"], usage[name], now):
            groups.unready.add(name)
        else:
            containers = usage[name]["containers"]
            groups.used[name] = sum((quantity(entry["usage"].get(resource)) for entry in containers), Decimal(0))
    return groups


def _is_starting(status: Json, metrics: Json, now: datetime) -> bool:
    ready = condition(status.get("conditions"), "Ready")
    if ready is None or not status.get("startTime"):
        return True
    started = datetime.fromisoformat(status["startTime"])
    changed = datetime.fromisoformat(ready["lastTransitionTime"])
    is_unready = ready["status"] == "False"
    if now < started + CPU_INITIALIZATION_PERIOD:
        taken = datetime.fromisoformat(metrics["timestamp"])
        window = timedelta(seconds=float(metrics["window"].removesuffix("s")))
        return is_unready or taken < changed + window + _RESOLUTION
    return is_unready and changed < started + INITIAL_READINESS_DELAY
