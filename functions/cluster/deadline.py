"""The time that one deploy may take, handed through every call: API Gateway stops waiting at 30 s, so we stop before.

A caller who gets a 504 that names the step can act; one who gets the gateway's own 503 can not.
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
"""Below this many seconds no call is worth starting."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The moment ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left; negative once it has passed."""
        return self.at - time.monotonic()

    def budget(self, longest: float, doing: str) -> float:
        """Seconds that the next call may take: ``longest``, or what is left if that is less.

        Raises
        ------
        TooSlowError
            Nothing worth starting is left; ``doing`` says what was to be done.
        """
        left = self.remaining()
        if left < _SHORTEST:
            raise TooSlowError(f"no time was left to {doing}")
        return min(longest, left)

    def at_most(self, seconds: float) -> "Deadline":
        """This moment, or ``seconds`` from now if that comes first."""
        return Deadline(min(self.at, time.monotonic() + seconds))
