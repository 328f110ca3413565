"""What a build may cost: each mark, what was measured, and whether it is held. Written to docs/benchmarks.md."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import charts
from bench.page import figure, machine, replace_between, today
from bench.run import PAGE
from tests.benchmarks.series import Series


@dataclass(frozen=True, slots=True)
class Mark:
    """One row.

    Parameters
    ----------
    beside
        The same thing done the other way; the value is then the ratio of both medians.
    limit
        Most that the value may be.
    """

    name: str
    unit: str
    measured: Series
    limit: float
    beside: Series | None = None

    @property
    def value(self) -> float:
        """What is held against the limit."""
        return self.measured.median / self.beside.median if self.beside is not None else self.measured.median

    @property
    def is_held(self) -> bool:
        """Whether it is within the limit."""
        return self.value <= self.limit


HEAD: Final = ("| | measured | beside | value | at most | |", "| --- | --- | --- | --- | --- | --- |")


def row(mark: Mark) -> str:
    """Write a mark as a row of the table that `HEAD` begins, in Markdown."""
    beside = f"{mark.beside} {mark.unit}" if mark.beside is not None else ""
    value = f"{mark.value:.3f}" if mark.beside is not None else f"{mark.value:.2f} {mark.unit}"
    limit = f"{mark.limit:g}" if mark.beside is not None else f"{mark.limit:g} {mark.unit}"
    held = "yes" if mark.is_held else "**no**"
    return f"| {mark.name} | {mark.measured} {mark.unit} | {beside} | {value} | {limit} | {held} |"


def write(marks: Sequence[Mark], load: float, seconds: float, details: Sequence[str], page: Path = PAGE) -> None:
    """Replace what the page holds of the last run, between its two marks."""
    head = (
        f"{today()}, {machine()}. Load when it began: {load:.1f}, when it ended: {os.getloadavg()[0]:.1f}; "
        f"{seconds / 60:.1f} minutes."
    )
    listed = "\n".join(f"- {line}" for line in details)
    table = "\n".join([*HEAD, *map(row, marks)])
    replace_between(page, "bench", f"{head}\n\n{table}\n\n{_picture(marks, page)}\n\n{listed}")


def _picture(marks: Sequence[Mark], page: Path) -> str:
    """Draw how much of each mark was needed."""
    title = "Measured, in % of what it may be at most"
    shares = [round(100 * mark.value / mark.limit) for mark in marks]
    chart = charts.rows(title, [mark.name for mark in marks], {"%": shares}, show_legend=False)
    says = "; ".join(f"{mark.name} {share}" for mark, share in zip(marks, shares, strict=True))
    return figure(page, "marks", f"{title}: {says}", chart)
