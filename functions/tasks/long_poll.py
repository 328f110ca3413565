"""Long polling: an answer that is held back until there is something to say, or time is over."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from functions.tasks.waiting import WaitingRoom

T = TypeVar("T")

MOST_SECONDS: Final = 25
"""API Gateway gives up after 30 seconds (HTTP API quotas), the function before that."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0
_GROWTH: Final = 1.25
"""Seconds between two looks, and how they grow: what has not come soon may take long, and a look is a read.

Ten looks in the first three seconds: the answer is late by a quarter of the time that it took, at most.
"""
_ANSWERING_SECONDS: Final = 2.0


def poll(ask: Callable[[], T], is_enough: Callable[[T], bool], seconds: float, room: WaitingRoom) -> T:
    """Ask until the answer is enough or ``seconds`` are over; the last answer.

    The first look, and finding a place to wait in, are of those seconds: on a busy table they take some, and the
    function is ended when its own are over.

    Raises
    ------
    waiting.TooManyWaitingError
        The first answer was not enough, and there is no place to wait in.
    """
    deadline = time.monotonic() + seconds
    answer = ask()
    if is_enough(answer) or seconds <= 0:
        return answer
    with room.place(seconds):
        return _poll(answer, ask, is_enough, deadline)


def _poll(answer: T, ask: Callable[[], T], is_enough: Callable[[T], bool], deadline: float) -> T:
    pause = _FIRST_PAUSE
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        answer = ask()
        if is_enough(answer):
            break
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    return answer


def time_to_wait(wanted: int, remaining_ms: int) -> float:
    """Seconds that a request may be held back: as wanted, but so that the function still can answer."""
    return min(float(wanted), max(0.0, remaining_ms / 1000 - _ANSWERING_SECONDS))
