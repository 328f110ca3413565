"""How many replicas a HorizontalPodAutoscaler wants: the published algorithm as pure functions.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from local.kubernetes.controllers.pod_samples import PodGroups, group
from local.kubernetes.machinery.meta import is_pod_active, quantity
from local.kubernetes.machinery.resources import Json

TOLERANCE = Decimal("0.1")
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


def proposal(metric: Json, current_replicas: int, pods: list[Json], usage: dict[str, Json], now: datetime) -> Proposal:
    """Compute what one entry of ``spec.metrics`` wants.

    Parameters
    ----------
    metric
        The entry, of type ``Resource``, with a target of type ``Utilization``.
    current_replicas
        Size of the target now.
    pods
        Its pods, whatever their state.
    usage
        PodMetrics by pod name.
    now
        An aware time.

    Raises
    ------
    MetricUnavailableError
        There is nothing to go by.
    """
    resource = metric["resource"]["name"]
    if not any(pod["metadata"]["name"] in usage for pod in pods):
        raise MetricUnavailableError(f"no metrics returned from resource metrics API for {resource}")
    groups = group(pods, usage, resource, now)
    if not groups.used:
        raise MetricUnavailableError("did not receive metrics for targeted pods (pods might be unready)")
    average = sum(groups.used.values(), Decimal(0)) / len(groups.used)
    current: Json = {"averageValue": _canonical(average, resource)}
    percent = int(metric["resource"]["target"]["averageUtilization"])
    requests = {pod["metadata"]["name"]: _requested(pod, resource) for pod in filter(is_pod_active, pods)}
    # Going down, a pod without a sample is taken to use all that it asked for.
    assumed = {name: request * max(100, percent) / 100 for name, request in requests.items()}

    def ratio(used: dict[str, Decimal]) -> Decimal:
        return Decimal(_utilization(used, requests)) / percent

    current["averageUtilization"] = _utilization(groups.used, requests)
    name = f"{resource} resource utilization (percentage of request)"
    replicas = _replicas(groups, assumed, ratio, current_replicas)
    return Proposal(replicas, {"type": "Resource", "resource": {"name": resource, "current": current}}, name)


def _replicas(
    groups: PodGroups, assumed: dict[str, Decimal], ratio_of: Callable[[dict[str, Decimal]], Decimal], current: int
) -> int:
    """Enough pods to bring the use to its target; pods of which nothing is known may damp the change, not turn it."""
    ratio = ratio_of(groups.used)
    up_with_unready = bool(groups.unready) and ratio > 1
    if not groups.missing and not up_with_unready:
        return current if _is_close(ratio) else math.ceil(ratio * len(groups.used))
    unknown = assumed if ratio < 1 else dict.fromkeys(assumed, Decimal(0))
    used = {**groups.used, **{name: unknown[name] for name in groups.missing if ratio != 1}}
    if up_with_unready:
        used |= dict.fromkeys(groups.unready, Decimal(0))
    damped = ratio_of(used)
    replicas = math.ceil(damped * len(used))
    turned = ratio < 1 < damped or damped < 1 < ratio
    wrong_way = (damped < 1 and replicas > current) or (damped > 1 and replicas < current)
    return current if _is_close(damped) or turned or wrong_way else replicas


def _utilization(used: dict[str, Decimal], requests: dict[str, Decimal]) -> int:
    """Whole percent of what the pods asked for, cut as Kubernetes cuts it."""
    return int(sum(used.values(), Decimal(0)) * 100 / sum((requests[name] for name in used), Decimal(0)))


def _is_close(ratio: Decimal) -> bool:
    return abs(ratio - 1) <= TOLERANCE


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
        """Return the number to go to now, at monotonic time ``now``."""
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
