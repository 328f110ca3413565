"""The time that one request may take. API Gateway stops waiting at 30 s, so the service answers before.

A 504 that names the slow step tells the caller what to do; the gateway's own 503 does not.
"""

import time
from dataclasses import dataclass
from typing import Final

from functions.cluster.errors import TooSlowError

WHOLE_ANSWER: Final = 25.0
"""Seconds from the request's arrival to its answer."""
ANSWERING: Final = 0.5
"""Seconds kept back from the Lambda's own time limit for writing the answer."""
_SHORTEST: Final = 0.02
"""Seconds; with less time left no call is started."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return the moment ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Return the seconds that are left; negative once the deadline has passed."""
        return self.at - time.monotonic()

    def budget(self, longest: float, doing: str) -> float:
        """Return the seconds that the next call may take: ``longest``, or the time left if that is less.

        Raises
        ------
        TooSlowError
            There is no time left; the message says what was to be done (``doing``).
        """
        left = self.remaining()
        if left < _SHORTEST:
            raise TooSlowError(f"no time was left to {doing}")
        return min(longest, left)

    def at_most(self, seconds: float) -> "Deadline":
        """Return this moment, or ``seconds`` from now if that comes first."""
        return Deadline(min(self.at, time.monotonic() + seconds))
