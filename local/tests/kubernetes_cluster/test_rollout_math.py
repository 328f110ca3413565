"""The arithmetic of rolling updates and autoscaling, on its own."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api.clock import timestamp
from local.kubernetes.controllers.autoscaling_math import MetricUnavailableError, Stabilizer, bounded, proposal
from local.kubernetes.controllers.rollout import (
    Budget,
    budget_of,
    new_set_size,
    old_set_sizes,
    same_template,
    template_hash,
)
from local.kubernetes.machinery.resources import Json


def deployment(replicas: int) -> Json:
    return {"spec": {"replicas": replicas, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {}}}}


def replica_set(name: str, replicas: int, available: int) -> Json:
    return {
        "metadata": {"name": name},
        "spec": {"replicas": replicas},
        "status": {"availableReplicas": available, "replicas": replicas},
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable"), [(1, 1, 0), (2, 1, 0), (3, 1, 0), (4, 1, 1), (10, 3, 2), (0, 0, 0)]
)
def test_a_quarter_rounds_as_in_kubernetes(replicas: int, surge: int, unavailable: int) -> None:
    expected = Budget(surge, unavailable)
    assert budget_of(deployment(replicas)) == expected


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20), st.data())
def test_a_step_never_breaks_the_budget(replicas: int, new: int, old: int, data: st.DataObject) -> None:
    target = deployment(replicas)
    budget = budget_of(target)
    fresh = replica_set("new", new, data.draw(st.integers(0, new)))
    stale = replica_set("old", old, data.draw(st.integers(0, old)))
    grown = new_set_size(target, fresh, [fresh, stale])
    if new <= replicas:
        assert grown >= new
        assert grown == new or grown + old <= replicas + budget.surge
    else:
        assert grown == replicas, "scaled down in the middle of a rollout"
    for size in old_set_sizes(target, fresh, [stale]).values():
        assert 0 <= size < old
        kept = min(size, stale["status"]["availableReplicas"]) + fresh["status"]["availableReplicas"]
        available = stale["status"]["availableReplicas"] + fresh["status"]["availableReplicas"]
        assert kept >= min(available, replicas - budget.unavailable)


def test_the_hash_label_does_not_count_as_a_change() -> None:
    target = deployment(1)
    own = {"spec": {"template": {"metadata": {"labels": {"a": "b", "pod-template-hash": "x"}}, "spec": {}}}}
    assert same_template(own, target)
    assert template_hash({"spec": {"a": 1, "b": 2}}) == template_hash({"spec": {"b": 2, "a": 1}})
    assert template_hash({"spec": 1}) != template_hash({"spec": 2})


NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def stamp(seconds_ago: float) -> str:
    return timestamp(NOW - timedelta(seconds=seconds_ago))


def pods(count: int, request: str = "100m") -> list[Json]:
    """Pods that have been ready for long."""
    container = {"name": "app", "resources": {"requests": {"cpu": request}}}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp(3590)}
    status = {"phase": "Running", "startTime": stamp(3600), "conditions": [ready]}
    return [
        {"metadata": {"name": f"p{n}"}, "spec": {"containers": [container]}, "status": status} for n in range(count)
    ]


def usage(*millicores: int) -> dict[str, Json]:
    sample = {"timestamp": stamp(0), "window": "15.000s"}
    return {f"p{n}": {**sample, "containers": [{"usage": {"cpu": f"{used}m"}}]} for n, used in enumerate(millicores)}


CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}


@pytest.mark.parametrize(
    ("used", "wanted"),
    [((100, 100), 4), ((54, 54), 2), ((56, 56), 3), ((46, 46), 2), ((44, 44), 2), ((10, 10), 1), ((0, 0), 0)],
)
def test_the_formula_and_its_tolerance(used: tuple[int, ...], wanted: int) -> None:
    assert proposal(CPU, 2, pods(2), usage(*used), NOW).replicas == wanted


def test_without_request_or_samples_there_is_no_number() -> None:
    with pytest.raises(MetricUnavailableError, match="missing request for cpu in container app of Pod p0"):
        proposal(CPU, 1, pods(1, "0"), usage(10), NOW)
    with pytest.raises(MetricUnavailableError, match="no metrics returned"):
        proposal(CPU, 1, pods(1), {}, NOW)


def test_going_down_waits_and_going_up_does_not() -> None:
    stabilizer = Stabilizer(window=60)
    assert stabilizer.settle(5, 3, now=0) == 5
    assert stabilizer.settle(2, 5, now=59) == 5
    assert stabilizer.settle(2, 5, now=61) == 2


@pytest.mark.parametrize(
    ("wanted", "result"),
    [
        (0, (1, "TooFewReplicas")),
        (1, (1, "DesiredWithinRange")),
        (6, (6, "DesiredWithinRange")),
        (7, (6, "ScaleUpLimit")),
    ],
)
def test_limits_on_both_sides(wanted: int, result: tuple[int, str]) -> None:
    assert bounded(wanted, 3, 1, 10) == result


def test_the_largest_size_holds() -> None:
    assert bounded(5, 3, 1, 4) == (4, "TooManyReplicas")
    assert bounded(4, 3, 1, 4) == (4, "DesiredWithinRange")
