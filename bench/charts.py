"""The charts beside the tables of the pages, as SVG files without scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pygal
from pygal.style import LightSolarizedStyle

_SIZE: Final = {"width": 900, "height": 420}
_BAR_HEIGHT: Final = 34
_FRAME_HEIGHT: Final = 110
"""Of title and axis."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Span:
    """A bar of a waterfall: when something began, and how long it took; seconds."""

    name: str
    begin: float
    seconds: float


def chart(kind: Any, title: str, **options: Any) -> Any:
    """Make an empty chart of one of pygal's kinds."""
    style = options.pop("style", LightSolarizedStyle)
    # No scripts: pygal's would be fetched from elsewhere, and a page of documentation needs none.
    made = kind(title=title, style=style, js=(), no_prefix=True, truncate_legend=-1, **{**_SIZE, **options})
    made.add_xml_filter(_without_scripts)
    return made


def _without_scripts(root: Any) -> Any:
    """Remove the script with pygal's settings, which only pygal's other scripts read."""
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag == "script"]:
            parent.remove(child)
    return root


def bars(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]], **options: Any) -> Any:
    """Draw groups of bars, one for each label."""
    drawn = chart(options.pop("kind", pygal.Bar), title, **options)
    drawn.x_labels = list(labels)
    for name, values in series.items():
        drawn.add(name, list(values))
    return drawn


def rows(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]], **options: Any) -> Any:
    """Draw bars that lie, the first label on top; those of one label end to end."""
    height = _FRAME_HEIGHT + _BAR_HEIGHT * len(labels)
    turned = {name: list(reversed(values)) for name, values in series.items()}
    kind = pygal.HorizontalStackedBar
    return bars(title, list(reversed(labels)), turned, **{"kind": kind, "height": height, **options})


def lines(title: str, series: Mapping[str, Points], **options: Any) -> Any:
    """Draw lines through points."""
    drawn = chart(pygal.XY, title, **{"dots_size": 2, **options})
    for name, points in series.items():
        drawn.add(name, list(points))
    return drawn


def waterfall(title: str, spans: Sequence[Span]) -> Any:
    """Draw what followed what, from top to bottom."""
    shown = LightSolarizedStyle(colors=("transparent", LightSolarizedStyle.colors[1]))
    series = {"": [span.begin for span in spans], "seconds": [span.seconds for span in spans]}
    labels = [f"{span.name} {span.seconds:.2f}" for span in spans]
    return rows(title, labels, series, style=shown, show_legend=False, x_title="seconds since the POST")
