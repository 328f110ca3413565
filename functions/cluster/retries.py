"""The one retry loop: repeat a call with growing, random pauses for as long as the deadline allows.

No library does this job. Their jitter comes from `random`, whose state is the same in every process that is restored
from a Lambda snapshot, so deploys that collided once would collide again. And they count time from their own start, not
to a deadline.
"""

import secrets
import time
from collections.abc import Callable
from typing import Final, TypeVar

from functions.cluster.deadline import Deadline
from functions.cluster.errors import OUTCOME_UNKNOWN, TooManyRequestsError

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.05
"""Seconds. Each further pause is up to twice as long."""
_LONGEST_PAUSE: Final = 1.0
"""Seconds. If the server asks for a longer pause, the error goes to the caller instead."""
_UNSURE_TRIES: Final = 3
"""Tries if no answer comes, or an invalid one: a failing server gets no further load."""


def until_done(work: Callable[[], T], deadline: Deadline, *again: type[Exception], most: int | None = None) -> T:
    """Return the result of ``work``, and repeat it after an error of the kinds ``again``.

    The error of the last try is raised after ``most`` tries, after three tries with unknown outcome, or if the deadline
    leaves no time for a pause and one more try that takes twice as long as the slowest so far. The caller then learns
    what went wrong, rather than that the time was over.
    """
    tries = unsure = 0
    slowest = 0.0
    while True:
        tries += 1
        began = time.monotonic()
        try:
            return work()
        except again as error:
            unsure += isinstance(error, OUTCOME_UNKNOWN)
            slowest = max(slowest, time.monotonic() - began)
            pause = _pause_after(error, tries)
            if tries == most or unsure == _UNSURE_TRIES:
                raise
            if pause > _LONGEST_PAUSE or pause + 2 * slowest > deadline.remaining():
                raise
            time.sleep(pause)


def _pause_after(error: Exception, tries: int) -> float:
    """Return the seconds to wait after a failed try: what the server asks for, or a random, growing pause."""
    if isinstance(error, TooManyRequestsError):
        return float(error.retry_after)
    longest: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(tries - 1, 10))
    return longest * (0.5 + secrets.randbelow(1000) / 2000)
