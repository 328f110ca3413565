"""The plots of docs/scale.md, as SVG files without scripts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pygal
from pygal.style import LightSolarizedStyle

from bench.scale.levels import Used
from bench.scale.quotas import QUOTAS
from bench.scale.scenarios import Row
from bench.scale.trial import Trial

_SIZE: Final = {"width": 900, "height": 420}


def utilisation(levels: Sequence[tuple[str, Sequence[Used]]], file: Path) -> None:
    """Draw how full each quota is, by level; logarithmic, 100 is full."""
    names = [used.name for used in levels[-1][1]]
    chart = _chart(pygal.HorizontalBar, "Quotas used in the busiest minutes, %", logarithmic=True, height=700)
    chart.x_labels = [QUOTAS[name].title for name in names]
    for title, needs in levels:
        shares = {used.name: used.share for used in needs}
        chart.add(title, [max(1e-4, 100 * shares[name]) for name in names])
    chart.render_to_file(str(file))


def waits(title: str, rows: Sequence[Row], file: Path) -> None:
    """Draw median and 95th percentile, row by row."""
    chart = _chart(pygal.Bar, title)
    chart.x_labels = [row.name for row in rows]
    chart.add("median", [round(row.median, 1) for row in rows])
    chart.add("95th percentile", [round(row.p95, 1) for row in rows])
    chart.render_to_file(str(file))


def trial(found: Trial, file: Path) -> None:
    """Draw how many builds are done, second by second: real ones and simulated ones."""
    chart = _chart(
        pygal.XY, f"{len(found.real)} builds sent at once: done after so many seconds", dots_size=1, x_title="seconds"
    )
    chart.add("real", [(end, number) for number, end in enumerate(found.real, 1)])
    chart.add("simulated", [(end, number) for number, end in enumerate(found.simulated, 1)])
    chart.render_to_file(str(file))


def _chart(kind: Any, title: str, **options: Any) -> Any:
    # No scripts: pygal's would be fetched from elsewhere, and a page of documentation needs none.
    return kind(title=title, style=LightSolarizedStyle, js=(), no_prefix=True, **{**_SIZE, **options})
