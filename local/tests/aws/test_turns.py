"""How long an invocation waits for its turn: by how the line before it moves, not by how long the line is."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from ministack.services import lambda_svc

from local.aws.seams import concurrency
from local.aws.seams.concurrency import SLOT_SECONDS

FUNCTION = {"FunctionName": "one-at-a-time"}
Taken = tuple[str | None, str | None]


class Clock:
    """Time as the line sees it: it goes when a test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Line:
    """One place, and who wants it."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.places, self._pool = concurrency._Places(), pool

    def join(self) -> "Future[Taken]":
        """Ask for the place; return when it is given or waited for."""
        asked = threading.Event()
        before = len(self._waiting)

        def take() -> Taken:
            asked.set()
            return self.places.take({}, FUNCTION)

        future = self._pool.submit(take)
        asked.wait()
        while not future.done() and len(self._waiting) == before:
            time.sleep(0.001)
        return future

    def look_up(self) -> None:
        """Have all who wait look at the clock: somebody who cannot wait comes and goes."""

        async def pass_by() -> Taken:
            return self.places.take({}, FUNCTION)

        assert asyncio.run(pass_by()) == (None, "function")

    @property
    def _waiting(self) -> Any:
        return self.places._waiting["room"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(concurrency, "time", clock)
    return clock


@pytest.fixture
def line(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """A function that has reserved one execution."""
    answers: dict[str, Callable[..., object]] = {
        "_reserved_concurrency": lambda *_: 1,
        "_inflight_key": lambda *_: "room",
    }
    for name, answer in answers.items():
        monkeypatch.setattr(lambda_svc, name, answer)
    with ThreadPoolExecutor(3) as pool:
        yield Line(pool)


def test_who_stands_in_a_line_that_moves_gets_a_turn(clock: Clock, line: Line) -> None:
    first, second, third = line.join(), line.join(), line.join()
    assert first.result() == ("room", None)
    clock.now += SLOT_SECONDS - 1
    line.places.give_back("room")
    assert second.result() == ("room", None)
    clock.now += SLOT_SECONDS - 1  # as long again: the third has waited for longer than anybody waits for one turn
    line.look_up()
    line.places.give_back("room")
    assert third.result() == ("room", None)


def test_who_stands_in_a_line_that_does_not_move_is_throttled(clock: Clock, line: Line) -> None:
    line.join()
    second = line.join()
    clock.now += SLOT_SECONDS + 1
    line.look_up()
    assert second.result() == (None, "function")
