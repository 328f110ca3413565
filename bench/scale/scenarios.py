"""The questions that are asked of the simulation, each with the settings that answer it."""

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.scale.demand import Demand
from bench.scale.levels import PEAK
from bench.scale.simulation import Installation, Outcome, Simulation, Times

PROVISIONING_MEDIAN: Final = 60.0
"""Seconds until CodeBuild has made a machine: 60 to 90 in ordinary reports, 180 to 250 in bad ones (operations.md)."""
_PROVISIONING_SIGMA: Final = 0.45
"""Of the logarithm: one machine in a hundred takes 170 seconds."""
_BUILD_SIGMA: Final = 0.25
HOUR: Final = 3600.0
_FLOOD_SECONDS: Final = 600
"""The others who count are those that come in the ten minutes after a flood began."""


def on_aws(demand: Demand) -> Times:
    """Return the times of a build in CodeBuild: a builder as fast as here, on a machine that is made for it."""
    return Times(
        provisioning=lambda rng: rng.lognormvariate(math.log(PROVISIONING_MEDIAN), _PROVISIONING_SIGMA),
        building=lambda rng: rng.lognormvariate(math.log(demand.builder_seconds), _BUILD_SIGMA),
        around=max(0.0, demand.task_seconds - demand.builder_seconds),
    )


def steady(builds_an_hour: float, workspaces: int, seed: int, seconds: float = HOUR) -> Iterator[tuple[float, str]]:
    """Poisson arrivals, from any of the workspaces."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    now = 0.0
    while (now := now + rng.expovariate(builds_an_hour / HOUR)) < seconds:
        yield now, f"team-{rng.randrange(workspaces)}"


def one_floods(builds: int, others_an_hour: float, seed: int) -> Iterator[tuple[float, str]]:
    """Yield arrivals: one workspace sends ``builds`` from second 60 to 120, while others build as on any day."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    flood = [(60 + rng.uniform(0, 60), "flood") for _ in range(builds)]
    yield from sorted([*steady(others_an_hour, 5, seed), *flood])


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one run; waits in seconds."""

    name: str
    median: float
    p95: float
    longest: float
    lost: int
    refused: int
    builds: int

    @classmethod
    def of(cls, name: str, outcomes: Sequence[Outcome]) -> "Row":
        """Sum up the waits of these builds; ``lost`` never got a place, ``refused`` were told 429 at least once."""
        done = sorted(outcome.wait for outcome in outcomes if outcome.ended is not None) or [math.nan]
        return cls(
            name,
            statistics.median(done),
            done[min(len(done) - 1, int(0.95 * len(done)))],
            done[-1],
            sum(outcome.ended is None for outcome in outcomes),
            sum(outcome.refusals > 0 for outcome in outcomes),
            len(outcomes),
        )


def simulate(settings: Installation, times: Times, arrivals: Iterator[tuple[float, str]]) -> list[Outcome]:
    """Run the simulation once, with these settings."""
    return Simulation(settings, times).run(arrivals)


def busy_hours(demand: Demand, builds_a_day: float, places: Sequence[int]) -> list[Row]:
    """Simulate the busiest hour of a day, by CodeBuild's places."""
    an_hour = builds_a_day / 24 * PEAK
    base = Installation(places=1, put_images=round(demand.put_images))
    return [
        Row.of(
            f"{number} places",
            simulate(replace(base, places=number, slots=number), on_aws(demand), steady(an_hour, 20, seed=number)),
        )
        for number in places
    ]


def floods(demand: Demand, settings: Sequence[tuple[str, Installation]]) -> list[tuple[str, Row, Row]]:
    """Return what the one that floods waits, and what the others wait, by settings."""
    found = []
    for name, one in settings:
        outcomes = simulate(one, on_aws(demand), one_floods(400, 600, seed=1))
        flood = [outcome for outcome in outcomes if outcome.workspace == "flood"]
        others = [one for one in outcomes if one.workspace != "flood" and 60 <= one.arrived < 60 + _FLOOD_SECONDS]
        found.append((name, Row.of("flood", flood), Row.of("others", others)))
    return found


def flood_settings(demand: Demand) -> list[tuple[str, Installation]]:
    """Return the settings that could keep one workspace from delaying the others."""
    base = Installation(places=60, slots=60, put_images=round(demand.put_images))
    return [
        ("as delivered: 60 slots, 60 places", base),
        ("no slots: CodeBuild's own queue", replace(base, slots=None)),
        ("60 slots, `limits.running_builds` 1,000", replace(base, running_builds=1000)),
        ("no slots, `limits.running_builds` 1,000", replace(base, slots=None, running_builds=1000)),
        ("20 slots, 20 places", replace(base, slots=20, places=20)),
        ("60 slots, 20 places: more slots than the quota", replace(base, places=20)),
        ("60 slots, a fleet of 10 before the 60 places", replace(base, fleet=10)),
    ]


def fleets(demand: Demand, builds_an_hour: float, machines: Sequence[int]) -> list[Row]:
    """Simulate an hour of an office, by machines that stand ready."""
    base = Installation(places=60, put_images=round(demand.put_images))
    return [
        Row.of(
            f"{number} machines" if number else "no fleet",
            simulate(replace(base, fleet=number), on_aws(demand), steady(builds_an_hour, 20, seed=7)),
        )
        for number in machines
    ]


def image_rates(demand: Demand, builds_a_day: float, rates: Sequence[float]) -> list[Row]:
    """Simulate the busiest ten minutes by ECR's PutImage quota, with places for everybody; waits are until the end."""
    an_hour = builds_a_day / 24 * PEAK
    base = Installation(places=100_000, running_builds=100_000, put_images=round(demand.put_images))
    rows = []
    for rate in rates:
        outcomes = simulate(
            replace(base, put_image_rate=rate), on_aws(demand), steady(an_hour, 200, seed=3, seconds=HOUR / 6)
        )
        totals = [Outcome(one.workspace, one.arrived, started=one.ended, ended=one.ended) for one in outcomes]
        rows.append(Row.of(f"{rate:g} a second", totals))
    return rows
