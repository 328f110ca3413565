"""The one retry loop: repeat a call with growing, random pauses for as long as the deadline allows.

No library does this job. Their jitter comes from `random`, whose state is the same in every process that is restored
from a Lambda snapshot, so deploys that collided once would collide again. And they count time from their own start, not
to a deadline.
"""

import itertools
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
    leaves no time for a pause and one more try as long as the last.
    """
    unsure = 0
    for number in itertools.count(1):
        began = time.monotonic()
        try:
            return work()
        except again as error:
            unsure += isinstance(error, OUTCOME_UNKNOWN)
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(number - 1, 10)) * (
                0.5 + secrets.randbelow(1000) / 2000
            )
            if isinstance(error, TooManyRequestsError):
                pause = float(error.retry_after)
            takes = time.monotonic() - began
            if (
                number == most
                or unsure == _UNSURE_TRIES
                or pause > _LONGEST_PAUSE
                or pause + takes > deadline.remaining()
            ):
                raise
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")
