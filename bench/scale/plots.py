"""The plots of docs/scale.md, as SVG files without scripts."""

from collections.abc import Sequence
from pathlib import Path

import pygal

from bench import charts
from bench.scale.levels import Used
from bench.scale.quotas import QUOTAS
from bench.scale.scenarios import Row
from bench.scale.trial import Trial


def utilisation(levels: Sequence[tuple[str, Sequence[Used]]], file: Path) -> None:
    """Draw how full each quota is, by level; logarithmic, 100 is full."""
    names = [used.name for used in levels[-1][1]]
    chart = charts.chart(pygal.HorizontalBar, "Quotas used in the busiest minutes, %", logarithmic=True, height=700)
    chart.x_labels = [QUOTAS[name].title for name in names]
    for title, needs in levels:
        shares = {used.name: used.share for used in needs}
        chart.add(title, [max(1e-4, 100 * shares[name]) for name in names])
    chart.render_to_file(str(file))


def waits(title: str, rows: Sequence[Row], file: Path) -> None:
    """Draw median and 95th percentile, row by row."""
    shown = {
        "median": [round(row.median, 1) for row in rows],
        "95th percentile": [round(row.p95, 1) for row in rows],
    }
    charts.bars(title, [row.name for row in rows], shown).render_to_file(str(file))


def trial(found: Trial, file: Path) -> None:
    """Draw how many builds are done, second by second: real ones and simulated ones."""
    series = {
        name: [(end, number) for number, end in enumerate(ends, 1)]
        for name, ends in (("real", found.real), ("simulated", found.simulated))
    }
    title = f"{len(found.real)} builds sent at once: done after so many seconds"
    charts.lines(title, series, dots_size=1, x_title="seconds").render_to_file(str(file))
