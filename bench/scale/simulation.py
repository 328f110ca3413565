"""The pipeline as a discrete-event simulation: what waits for what, and for how long.

Modelled are the things that fill up: places of a workspace (429 and Retry-After), StartExecution, the build slots,
which go by the product's own rule, CodeBuild's places, its queue (five times the places, left in no order that AWS
promises) and its refusals (retried with full jitter, as `infra/retries.py` has it), making a machine, the build itself,
and ECR's PutImage. Everything else takes no time.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final

import simpy

from functions.contracts.task import TaskKey
from functions.tasks.fair_turns import in_turn

_CLIENT_RETRY_SECONDS: Final = 10
"""Retry-After of a workspace that has no place (`functions/tasks/usage.py`)."""
_FIRST_RETRY, _LONGEST_RETRY = 5.0, 60.0
Process = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True, slots=True)
class Installation:
    """The settings and quotas that a build meets.

    Parameters
    ----------
    places
        Builds that CodeBuild runs at once; none of the fleet's machines.
    fleet
        Machines that stand ready (`builds.fleet.base_capacity`); what finds them taken goes to ``places``.
    fleet_seconds
        Until one of them begins: "ready immediately" (user guide, fleets), and a container to start; not measured.
    running_builds
        Of one workspace (`limits.running_builds`).
    slots
        Builds that are handed to CodeBuild at once (`builds.concurrency`); None: all of them, to its queue.
    waiting_seconds
        How long a build waits for a slot (`builds.waiting_minutes`).
    queued_seconds
        How long a build waits for a place (`builds.queued_minutes`).
    put_image_rate
        ECR's PutImage calls a second, of the account.
    queue_factor
        Builds that CodeBuild queues, for each that may run (user guide, working with builds).
    """

    places: int
    fleet: int = 0
    fleet_seconds: float = 5.0
    running_builds: int = 100
    slots: int | None = None
    waiting_seconds: float = 14_400
    queued_seconds: float = 1800
    start_rate: float = 300
    put_image_rate: float = 10
    put_images: int = 1
    queue_factor: float = 5


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a build's parts, each drawn anew for each build."""

    provisioning: Callable[[random.Random], float]
    building: Callable[[random.Random], float]
    around: float = 0.0
    """Before and after the build: submission, states, recording."""


@dataclass(slots=True)
class Outcome:
    """One build, in seconds of the simulation."""

    workspace: str
    arrived: float
    refusals: int = 0
    started: float | None = None
    ended: float | None = None

    @property
    def wait(self) -> float:
        """From its arrival until its machine works on it."""
        return (self.started or float("inf")) - self.arrived

    @property
    def total(self) -> float:
        """From its arrival until it is done."""
        return (self.ended or float("inf")) - self.arrived


class NoPlaceError(Exception):
    """CodeBuild refused: as many run, and wait, as may."""


class Bucket:
    """So many calls a second; who comes too early waits its turn."""

    def __init__(self, environment: simpy.Environment, rate: float) -> None:
        self._environment, self._gap, self._free_at = environment, 1 / rate, 0.0

    def take(self) -> simpy.Event:
        """Happens when the call is let through."""
        now = self._environment.now
        self._free_at = max(now, self._free_at) + self._gap
        return self._environment.timeout(max(0.0, self._free_at - self._gap - now))


class Slots:
    """Build slots, which go round the workspaces that wait (`functions.tasks.fair_turns`)."""

    def __init__(self, environment: simpy.Environment, settings: Installation) -> None:
        self._environment, self._settings = environment, settings
        self._held: Counter[str] = Counter()
        self._waiting: dict[TaskKey, simpy.Event] = {}
        self._numbers = itertools.count()

    def enter(self, workspace: str) -> Process:
        """Wait for a slot; False when the time for that was over first."""
        if self._settings.slots is None:
            return True
        if self._held.total() < self._settings.slots:
            self._held[workspace] += 1
            return True
        task, turn = TaskKey(workspace, f"{next(self._numbers):09}"), self._environment.event()
        self._waiting[task] = turn
        yield turn | self._environment.timeout(self._settings.waiting_seconds)
        return self._waiting.pop(task, None) is None

    def leave(self, workspace: str) -> None:
        """Give a slot back, and on to whose turn it is."""
        self._held[workspace] -= 1
        if self._waiting:
            following = in_turn(self._waiting, self._held, workspace)[0]
            self._held[following.workspace_id] += 1
            self._waiting.pop(following).succeed()


class CodeBuild:
    """Places on demand, with the queue that AWS puts before them."""

    def __init__(self, environment: simpy.Environment, settings: Installation, rng: random.Random) -> None:
        self._environment, self._settings, self._rng = environment, settings, rng
        self._running = 0
        self._waiting: list[simpy.Event] = []

    def enter(self) -> Process:
        """Wait for a place; False when the time in the queue was over first.

        Raises
        ------
        NoPlaceError
            The queue is full, or there is none.
        """
        if self._running < self._settings.places:
            self._running += 1
            return True
        if len(self._waiting) >= self._settings.queue_factor * self._settings.places:
            raise NoPlaceError
        turn = self._environment.event()
        self._waiting.append(turn)
        yield turn | self._environment.timeout(self._settings.queued_seconds)
        if turn.triggered:
            return True
        self._waiting.remove(turn)
        return False

    def leave(self) -> None:
        """Give the place to any of those that wait."""
        if self._waiting:
            self._waiting.pop(self._rng.randrange(len(self._waiting))).succeed()
        else:
            self._running -= 1


class Simulation:
    """One run: builds as they arrive, in any number of workspaces."""

    def __init__(self, settings: Installation, times: Times, seed: int = 0) -> None:
        self._settings, self._times = settings, times
        self._environment = simpy.Environment()
        self._rng = random.Random(seed)  # noqa: S311 - a simulation
        self._slots = Slots(self._environment, settings)
        self._codebuild = CodeBuild(self._environment, settings, self._rng)
        self._starts = Bucket(self._environment, settings.start_rate)
        self._images = Bucket(self._environment, settings.put_image_rate)
        self._fleet = settings.fleet
        self._running: dict[str, int] = {}
        self._outcomes: list[Outcome] = []

    def run(self, arrivals: Iterator[tuple[float, str]]) -> list[Outcome]:
        """Simulate builds of ``(second, workspace)``, in the order of their seconds, until the last one has ended."""
        self._environment.process(self._arrive(arrivals))
        self._environment.run()
        return self._outcomes

    def _arrive(self, arrivals: Iterator[tuple[float, str]]) -> Process:
        for second, workspace in arrivals:
            yield self._environment.timeout(max(0.0, second - self._environment.now))
            outcome = Outcome(workspace, self._environment.now)
            self._outcomes.append(outcome)
            self._environment.process(self._build(outcome))

    def _build(self, outcome: Outcome) -> Process:
        workspace = outcome.workspace
        while self._running.get(workspace, 0) >= self._settings.running_builds:
            outcome.refusals += 1
            yield self._environment.timeout(_CLIENT_RETRY_SECONDS + self._rng.random())
        self._running[workspace] = self._running.get(workspace, 0) + 1
        yield self._starts.take()
        if (yield from self._slots.enter(workspace)):
            yield from self._find_machine(outcome)
            self._slots.leave(workspace)
        self._running[workspace] -= 1

    def _find_machine(self, outcome: Outcome) -> Process:
        if self._fleet > 0:
            self._fleet -= 1
            yield from self._work(outcome, provisioning=self._settings.fleet_seconds)
            self._fleet += 1
        elif (yield from self._find_place()):
            yield from self._work(outcome, provisioning=self._times.provisioning(self._rng))
            self._codebuild.leave()

    def _find_place(self) -> Process:
        """Ask CodeBuild until it takes the build; False when `builds.queued_minutes` are over."""
        tries = max(1, int(self._settings.queued_seconds / (_LONGEST_RETRY / 2)))
        for number in range(tries):
            try:
                return (yield from self._codebuild.enter())
            except NoPlaceError:
                longest = min(_LONGEST_RETRY, _FIRST_RETRY * 2**number)
                yield self._environment.timeout(self._rng.uniform(0, longest))
        return False

    def _work(self, outcome: Outcome, provisioning: float) -> Process:
        yield self._environment.timeout(provisioning)
        outcome.started = self._environment.now
        yield self._environment.timeout(self._times.building(self._rng))
        for _ in range(self._settings.put_images):
            yield self._images.take()
        outcome.ended = self._environment.now + self._times.around
