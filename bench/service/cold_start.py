"""What a Lambda function loads before its first request, by handler. SnapStart restores it instead. And the builder."""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Final

from bench import charts
from bench.page import table
from bench.run import Run
from infra.tools.build_folder import ROOT
from infra.tools.bundle_report import files_in, megabytes
from infra.tools.bundle_report import measure as measure_import
from infra.tools.bundles import ALL

MARKS: Final = {"builds": 0.25, "deploy": 0.30}
"""Seconds."""
_HEAD: Final = ("handler", "its bundle", "modules", "import", "at most", "", "processor time")
_RUNS: Final = 7
_BUILDER: Final = "import runpy, sys; sys.path[:0] = sys.argv[1:]; runpy.run_module('builder', run_name='__main__')"


def measure(run: Run) -> str:
    """Return the section of the page."""
    rows = []
    times: dict[str, float] = {}
    for bundle in ALL:
        size = megabytes(files_in(bundle.build()))
        for handler in bundle.handlers:
            taken = measure_import(bundle, handler)
            times[handler] = round(1000 * taken.seconds)
            mark = MARKS.get(handler)
            held = "" if mark is None else ("yes" if taken.seconds <= mark else "**no**")
            limit = "" if mark is None else f"{1000 * mark:.0f} ms"
            processor = f"{1000 * taken.processor_seconds:.0f} ms"
            modules, seconds = str(len(taken.modules)), f"{1000 * taken.seconds:.0f} ms"
            rows.append([handler, f"{size:.1f} MB", modules, seconds, limit, held, processor])
    return f"{table(_HEAD, rows)}\n\n{_builder()}\n\n{picture(times, run)}"


def picture(times: Mapping[str, float], run: Run) -> str:
    """Draw the milliseconds of each handler."""
    title = "Milliseconds that imports take"
    chart = charts.rows(title, list(times), {"ms": list(times.values())}, show_legend=False)
    return run.figure("cold", f"{title}: " + ", ".join(f"{name} {ms:.0f}" for name, ms in times.items()), chart)


def _builder() -> str:
    """Start the builder without settings: it loads everything and ends, before it has made a client."""
    command = [sys.executable, "-I", "-c", _BUILDER, str(ROOT / "builder_image"), str(ROOT)]
    runs = []
    for _ in range(_RUNS + 1):  # the first writes the bytecode
        began, used = time.perf_counter(), _of_children()
        done = subprocess.run(
            command, env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, text=True, check=False, timeout=60
        )
        if "The build cannot start" not in done.stdout:
            raise RuntimeError(f"the builder did not get as far as its settings:\n{done.stdout}")
        runs.append((time.perf_counter() - began, _of_children() - used))
    seconds, processor = (1000 * statistics.median(values) for values in zip(*runs[1:], strict=True))
    times = f"{seconds:.0f} ms, {processor:.0f} ms of processor time"
    return f"The builder, from its start to the first look at its settings: {times}."


def _of_children() -> float:
    """Processor time of the processes that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
