"""Measured series, and how they are told: median and spread."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """What one thing took, run by run."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of all runs."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        """Median, and the lowest and highest run."""
        if len(self.values) == 1:
            return f"{self.values[0]:.2f} (one run)"
        return f"{self.median:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"
