"""One run of measurements: how often each thing is measured, and where its charts go."""

from dataclasses import dataclass
from typing import Any, Final

from bench.page import figure
from local.cloud.places import BUILD, ROOT

PAGE: Final = ROOT / "docs" / "benchmarks.md"
FULL: Final = 7
"""Times at least that each thing is measured whose median the page shows."""


@dataclass(frozen=True, slots=True)
class Run:
    """How measurements are made."""

    runs: int = FULL

    @property
    def is_trial(self) -> bool:
        """Whether it only shows that everything can be measured: short, and nothing of it comes onto the page."""
        return self.runs < FULL

    def often(self, full: int, trial: int) -> int:
        """Return how many of something there are."""
        return trial if self.is_trial else full

    def figure(self, name: str, says: str, chart: Any) -> str:
        """Write a chart to its file, a trial's below build/; return the Markdown that shows it."""
        return figure(PAGE, name, says, chart, BUILD / "benchmarks" if self.is_trial else None)
