"""The model behind docs/scale.md: what queueing theory and arithmetic say, the simulation has to say too."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.page import replace_between
from bench.scale.demand import Demand
from bench.scale.levels import Clusters, month, needs
from bench.scale.simulation import Installation, Outcome, Simulation, Times

FIXED = Times(provisioning=lambda _: 60.0, building=lambda _: 2.0)
ROOMY = Installation(places=1000, running_builds=1000, start_rate=math.inf, put_image_rate=math.inf)
DEMAND = Demand(2, 5, 4, 10, 8, 5, 2, 1, 3, 1, 1, builder_seconds=1.0, task_seconds=1.5)


def at_once(count: int, workspace: str = "a") -> list[tuple[float, str]]:
    return [(0.0, workspace)] * count


def simulate(settings: Installation, arrivals: list[tuple[float, str]], times: Times = FIXED) -> list[Outcome]:
    return Simulation(settings, times).run(iter(arrivals))


def ends(outcomes: list[Outcome]) -> list[float]:
    return sorted(round(one.ended, 6) for one in outcomes if one.ended is not None)


def most_at_once(outcomes: list[Outcome], before: float) -> int:
    """Builds that had their machine, or had it made (``before`` seconds), at the same time."""
    steps = [
        step
        for one in outcomes
        if one.started is not None and one.ended is not None
        for step in ((one.started - before, 1), (one.ended, -1))
    ]
    running = most = 0
    for _, change in sorted(steps):
        running += change
        most = max(most, running)
    return most


def test_nobody_waits_for_more_than_a_machine_where_there_is_room() -> None:
    assert [one.wait for one in simulate(ROOMY, at_once(50))] == [60.0] * 50


@given(places=st.integers(1, 5), builds=st.integers(1, 20))
def test_builds_go_through_the_places_in_rounds(places: int, builds: int) -> None:
    outcomes = simulate(replace(ROOMY, places=places, queue_factor=builds), at_once(builds))
    assert ends(outcomes) == [62.0 * (1 + number // places) for number in range(builds)]
    assert most_at_once(outcomes, before=60) == min(places, builds)


@given(limit=st.integers(1, 4), builds=st.integers(1, 12))
def test_a_workspace_never_runs_more_than_it_may(limit: int, builds: int) -> None:
    outcomes = simulate(replace(ROOMY, running_builds=limit), at_once(builds))
    assert most_at_once(outcomes, before=60) <= limit
    assert len(ends(outcomes)) == builds
    assert sum(one.refusals > 0 for one in outcomes) == max(0, builds - limit)


def test_what_finds_the_queue_full_is_refused_until_its_time_is_over() -> None:
    crowded = replace(ROOMY, places=1, queue_factor=2, queued_seconds=100)
    outcomes = simulate(crowded, at_once(30))
    lost = [one for one in outcomes if one.ended is None]
    assert 0 < len(lost) < 30
    assert all(one.wait == float("inf") for one in lost)


@given(slots=st.integers(1, 4), builds=st.integers(1, 20))
def test_slots_go_to_a_workspace_that_has_none_at_once(slots: int, builds: int) -> None:
    """Whoever comes behind a burst waits for the next slot that becomes free, and for no more."""
    outcomes = simulate(replace(ROOMY, slots=slots), [*at_once(builds, "burst"), (1.0, "late")])
    (late,) = (one for one in outcomes if one.workspace == "late")
    assert late.wait == (60 if builds < slots else 61 + 60)
    assert len(ends(outcomes)) == builds + 1
    assert most_at_once(outcomes, before=60) <= slots


def test_a_build_waits_for_its_turn_as_long_as_it_may() -> None:
    outcomes = simulate(replace(ROOMY, slots=1, waiting_seconds=100), at_once(3))
    assert len(ends(outcomes)) == 2


def test_machines_that_stand_ready_are_taken_first() -> None:
    outcomes = simulate(replace(ROOMY, fleet=2, fleet_seconds=5), at_once(3))
    assert sorted(one.wait for one in outcomes) == [5.0, 5.0, 60.0]


def test_images_are_put_at_the_rate_of_the_quota() -> None:
    outcomes = simulate(replace(ROOMY, put_image_rate=0.5, put_images=2), at_once(3))
    assert ends(outcomes)[-1] == pytest.approx(62 + 2 * (3 * 2 - 1))


def test_needs_and_costs_grow_with_the_builds() -> None:
    few, many = ({used.name: used for used in needs(builds, DEMAND)} for builds in (1_000, 10_000))
    assert {name: pytest.approx(10 * used.need) for name, used in few.items()} == {
        name: used.need for name, used in many.items()
    }
    assert sum(month(10_000, DEMAND).values()) == pytest.approx(10 * sum(month(1_000, DEMAND).values()))
    assert [used.share for used in needs(1e6, DEMAND)] == sorted((u.share for u in needs(1e6, DEMAND)), reverse=True)


def test_a_machine_to_be_made_is_polled_through() -> None:
    there = DEMAND.on_codebuild(60)
    assert (there.task_seconds, there.requests, there.builder_seconds) == (61.5, 5, 1.0)


@pytest.mark.parametrize(
    ("apps", "nodes", "clusters"), [(1, 1, 1), (79, 1, 1), (80, 2, 1), (10_000, 127, 1), (10_001, 127, 2)]
)
def test_apps_fill_nodes_by_their_requests_and_clusters_by_their_services(apps: int, nodes: int, clusters: int) -> None:
    assert (Clusters(apps).nodes, Clusters(apps).clusters) == (nodes, clusters)


def test_a_page_keeps_what_is_around_the_result(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: result -->\nold\n<!-- x: end -->\nafter\n")
    replace_between(page, "x", "new")
    assert page.read_text() == "before\n<!-- x: result -->\nnew\n<!-- x: end -->\nafter\n"
    with pytest.raises(ValueError, match="no place for y"):
        replace_between(page, "y", "new")
