"""What a Lambda function loads before its first request, by handler. SnapStart restores it instead."""

from typing import Final

from bench.page import table
from bench.run import Run
from infra.tools.bundle_report import files_in, megabytes
from infra.tools.bundle_report import measure as measure_import
from infra.tools.bundles import ALL

MARKS: Final = {"builds": 0.25, "deploy": 0.30}
"""Seconds."""


def measure(_: Run) -> str:
    """Return the section of the page."""
    rows = []
    for bundle in ALL:
        size = megabytes(files_in(bundle.build()))
        for handler in bundle.handlers:
            seconds, modules = measure_import(bundle, handler)
            mark = MARKS.get(handler)
            held = "" if mark is None else ("yes" if seconds <= mark else "**no**")
            limit = "" if mark is None else f"{1000 * mark:.0f} ms"
            rows.append([handler, f"{size:.1f} MB", str(len(modules)), f"{1000 * seconds:.0f} ms", limit, held])
    return table(("handler", "its bundle", "modules", "import", "at most", ""), rows)
