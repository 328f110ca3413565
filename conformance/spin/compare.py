"""What comparing one case shows."""

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """How the two sides relate."""

    SAME = "the same"
    KNOWN = "different for a known reason"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Finding:
    """One case, compared."""

    case: str
    verdict: Verdict
    real: Any
    ours: Any

    def __str__(self) -> str:
        """Show both sides, one below the other."""
        return f"{self.case}: {self.verdict.value}\n  spin: {_short(self.real)}\n  ours: {_short(self.ours)}"


def compare(case: str, real: Any, ours: Any, *, known: str | None) -> Finding:
    """Compare two outcomes.

    Parameters
    ----------
    case
        Its name.
    real, ours
        Comparable outcomes.
    known
        Why they may differ; None if they may not.
    """
    if real == ours:
        return Finding(case, Verdict.SAME, real, ours)
    return Finding(case, Verdict.DIFFERENT if known is None else Verdict.KNOWN, real, ours)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:600]}…"
