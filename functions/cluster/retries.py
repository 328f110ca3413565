"""Doing a thing again, in one place: with pauses that grow and differ, for as long as the deadline leaves time.

Not a library: their jitter comes from `random`, whose state is the same in every process that a Lambda snapshot is
restored to, so deploys that met once would meet again; and they count time from their own start, not to our deadline.
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
"""Seconds; each further pause is up to twice as long."""
_LONGEST_PAUSE: Final = 1.0
"""Seconds. A server that asks for a longer pause is not waited for: the caller is told."""
_UNSURE_TRIES: Final = 3
"""Tries when no answer comes, or one that makes no sense: a server that fails is left alone."""


def until_done(work: Callable[[], T], deadline: Deadline, *again: type[Exception], most: int | None = None) -> T:
    """The result of ``work``, called again after an error of the kinds ``again``.

    Stops when the deadline leaves no time for a pause and one more try as long as the last, after ``most`` tries, and
    after three whose outcome is unknown. The last try's error is raised then.
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
