"""Measured series, and how they are told: median, spread, the machine's name."""

import os
import statistics
from dataclasses import dataclass
from pathlib import Path


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


def machine() -> str:
    """Processor, cores, memory, and how busy it is now."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown processor",
    )
    gibibytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{model}, {os.cpu_count()} cores, {gibibytes:.0f} GiB, Linux {os.uname().release}"
