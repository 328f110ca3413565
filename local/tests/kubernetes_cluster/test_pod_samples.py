"""A pod that is starting takes CPU to compile its component: that must not make its app grow."""

from decimal import Decimal
from typing import Any

import pytest

from local.kubernetes.controllers.autoscaling_math import MetricUnavailableError, proposal
from local.kubernetes.controllers.pod_samples import group
from local.kubernetes.machinery.resources import Json
from local.tests.kubernetes_cluster.test_rollout_math import CPU, NOW, stamp, usage

MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 50}},
}


def pod(name: str, *, started: float, ready: bool = True, changed: float, phase: str = "Running") -> Json:
    """A pod that started and changed its readiness so many seconds ago."""
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": stamp(changed)}
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "100m", "memory": "2Mi"}}}]},
        "status": {"phase": phase, "startTime": stamp(started), "conditions": [condition]},
    }


def long_ready(name: str) -> Json:
    return pod(name, started=3600, changed=3590)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        # Within five minutes of its start: only with a sample (15 s long, just taken) from after it became ready.
        ({"started": 40, "changed": 14}, False),
        ({"started": 40, "changed": 15}, False),
        ({"started": 40, "changed": 16}, True),
        ({"started": 299, "changed": 100, "ready": False}, False),
        ({"started": 299, "changed": 5}, False),
        # Later: unless it has never been ready, which a change within 30 s of the start stands for.
        ({"started": 300, "changed": 5}, True),
        ({"started": 300, "changed": 271, "ready": False}, False),
        ({"started": 300, "changed": 270, "ready": False}, True),
        ({"started": 3600, "changed": 3590, "phase": "Pending"}, False),
    ],
)
def test_whose_cpu_counts(state: dict[str, Any], counts: bool) -> None:
    groups = group([pod("p0", **state)], usage(500), "cpu", NOW)
    assert (groups.used, groups.unready) == (({"p0": Decimal("0.5")}, set()) if counts else ({}, {"p0"}))


def test_memory_counts_from_the_start() -> None:
    sample = {"p0": {**usage(0)["p0"], "containers": [{"usage": {"memory": "3Mi"}}]}}
    assert proposal(MEMORY, 1, [pod("p0", started=20, changed=5)], sample, NOW).replicas == 3


def test_pods_that_end_are_left_out() -> None:
    leaving = long_ready("p0")
    leaving["metadata"]["deletionTimestamp"] = stamp(1)
    failed = {**long_ready("p1"), "status": {"phase": "Failed"}}
    groups = group([leaving, failed], usage(500, 500), "cpu", NOW)
    assert (groups.used, groups.unready, groups.missing) == ({}, set(), set())


def test_a_fresh_app_does_not_grow_by_its_own_start() -> None:
    with pytest.raises(MetricUnavailableError, match="pods might be unready"):
        proposal(CPU, 1, [pod("p0", started=20, changed=3)], usage(1000), NOW)


@pytest.mark.parametrize(
    ("used", "wanted"),
    [
        (100, 2),  # 100 % of one of two pods; with the unready one at 0 %: 50 %, the target
        (300, 6),  # (300 + 0) / 2 is three times the target
        (10, 1),  # on the way down the unready pod is left out
    ],
)
def test_an_unready_pod_damps_growth(used: int, wanted: int) -> None:
    starting = pod("p1", started=20, changed=3)
    assert proposal(CPU, 2, [long_ready("p0"), starting], usage(used, 1000), NOW).replicas == wanted


@pytest.mark.parametrize(
    ("used", "wanted"),
    [
        (300, 6),  # going up, the pod without a sample is taken to use nothing
        (10, 2),  # going down, all it asked for: 55 % on average is close enough to stay
    ],
)
def test_a_pod_without_a_sample_damps_both_ways(used: int, wanted: int) -> None:
    assert proposal(CPU, 2, [long_ready("p0"), long_ready("p1")], usage(used), NOW).replicas == wanted
