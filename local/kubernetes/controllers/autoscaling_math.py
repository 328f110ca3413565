"""How many replicas a HorizontalPodAutoscaler wants: the published algorithm as pure functions.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

import math
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from local.kubernetes.machinery.meta import quantity
from local.kubernetes.machinery.resources import Json

TOLERANCE = 0.1
DOWNSCALE_WINDOW_SECONDS = 60.0
"""How long a lower number must be wanted before pods go. Kubernetes says 300; shorter, so that one can watch it."""


class MetricUnavailableError(Exception):
    """A metric cannot be worked out now; the message says why."""


@dataclass(frozen=True)
class Proposal:
    """What one metric wants, and how it reads in ``status.currentMetrics`` and in an event."""

    replicas: int
    current: Json
    name: str


def proposal(metric: Json, current_replicas: int, pods: list[Json], usage: dict[str, Json]) -> Proposal:
    """What one entry of ``spec.metrics`` wants.

    Args:
        metric: the entry; types other than ``Resource`` are refused.
        current_replicas: size of the target now.
        pods: its ready pods.
        usage: PodMetrics by pod name.
    """
    if metric.get("type") != "Resource":
        raise MetricUnavailableError(f"metric type {metric.get('type')} is not served here; use Resource")
    resource = metric["resource"]["name"]
    target = metric["resource"]["target"]
    used = {
        pod["metadata"]["name"]: _used(usage[pod["metadata"]["name"]], resource)
        for pod in pods
        if pod["metadata"]["name"] in usage
    }
    if not used:
        raise MetricUnavailableError(f"no metrics returned from resource metrics API for {resource}")
    total = sum(used.values(), Decimal(0))
    average = total / len(used)
    current: Json = {"averageValue": _canonical(average, resource)}
    if target["type"] == "Utilization":
        requested = sum((_requested(pod, resource) for pod in pods if pod["metadata"]["name"] in used), Decimal(0))
        utilization = int(total * 100 / requested)
        current["averageUtilization"] = utilization
        ratio = utilization / target["averageUtilization"]
        name = f"{resource} resource utilization (percentage of request)"
    else:
        ratio = float(average / quantity(target["averageValue"]))
        name = f"{resource} resource"
    replicas = current_replicas if abs(ratio - 1) <= TOLERANCE else math.ceil(ratio * len(used))
    if len(used) < current_replicas:
        # Pods without a sample (just started) must not turn a scale-up into a scale-down or the other way round.
        replicas = max(replicas, current_replicas) if ratio >= 1 else min(replicas, current_replicas)
    return Proposal(replicas, {"type": "Resource", "resource": {"name": resource, "current": current}}, name)


def _used(metrics: Json, resource: str) -> Decimal:
    return sum((quantity(c["usage"].get(resource)) for c in metrics["containers"]), Decimal(0))


def _requested(pod: Json, resource: str) -> Decimal:
    requested = Decimal(0)
    for container in pod["spec"]["containers"]:
        resources = container.get("resources") or {}
        value = (resources.get("requests") or {}).get(resource) or (resources.get("limits") or {}).get(resource)
        if not value or not quantity(value):
            raise MetricUnavailableError(
                f"missing request for {resource} in container {container['name']} of Pod {pod['metadata']['name']}"
            )
        requested += quantity(value)
    return requested


def _canonical(value: Decimal, resource: str) -> str:
    return f"{math.ceil(value * 1000)}m" if resource == "cpu" else str(math.ceil(value))


@dataclass
class Stabilizer:
    """Remembers what was wanted lately: a scale-down follows the highest of it."""

    window: float
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    def settle(self, wanted: int, current: int, now: float) -> int:
        """The number to go to now, at monotonic time ``now``."""
        self._recent.append((now, wanted))
        while self._recent and self._recent[0][0] < now - self.window:
            self._recent.popleft()
        return wanted if wanted >= current else min(current, max(count for _, count in self._recent))


def bounded(wanted: int, current: int, least: int, most: int) -> tuple[int, str]:
    """Keep a number within the limits; returns it with the reason that ``ScalingLimited`` reports.

    Besides min and max: at most twice the current number or 4, whichever is more, as Kubernetes does in one step.
    """
    step = max(2 * current, 4)
    if wanted > min(most, step):
        return (most, "TooManyReplicas") if most <= step else (step, "ScaleUpLimit")
    if wanted < least:
        return least, "TooFewReplicas"
    return wanted, "DesiredWithinRange"
