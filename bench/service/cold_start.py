"""What a Lambda function loads before its first request, by handler. SnapStart restores it instead."""

from collections.abc import Mapping
from typing import Final

from bench import charts
from bench.page import table
from bench.run import Run
from infra.tools.bundle_report import files_in, megabytes
from infra.tools.bundle_report import measure as measure_import
from infra.tools.bundles import ALL

MARKS: Final = {"builds": 0.25, "deploy": 0.30}
"""Seconds."""


def measure(run: Run) -> str:
    """Return the section of the page."""
    rows = []
    times: dict[str, float] = {}
    for bundle in ALL:
        size = megabytes(files_in(bundle.build()))
        for handler in bundle.handlers:
            seconds, modules = measure_import(bundle, handler)
            times[handler] = round(1000 * seconds)
            mark = MARKS.get(handler)
            held = "" if mark is None else ("yes" if seconds <= mark else "**no**")
            limit = "" if mark is None else f"{1000 * mark:.0f} ms"
            rows.append([handler, f"{size:.1f} MB", str(len(modules)), f"{1000 * seconds:.0f} ms", limit, held])
    text = table(("handler", "its bundle", "modules", "import", "at most", ""), rows)
    return f"{text}\n\n{picture(times, run)}"


def picture(times: Mapping[str, float], run: Run) -> str:
    """Draw the milliseconds of each handler."""
    title = "Milliseconds that imports take"
    chart = charts.rows(title, list(times), {"ms": list(times.values())}, show_legend=False)
    return run.figure("cold", f"{title}: " + ", ".join(f"{name} {ms:.0f}" for name, ms in times.items()), chart)
