"""Pages that hold the result of the last run between two marks."""

import datetime
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def replace_between(page: Path, name: str, text: str) -> None:
    """Put ``text`` between ``<!-- NAME: result -->`` and ``<!-- NAME: end -->``.

    Raises
    ------
    ValueError
        The page lacks one of the marks.
    """
    begin, end = f"<!-- {name}: result -->", f"<!-- {name}: end -->"
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end):
        raise ValueError(
            f"{page.name} has no place for {name}, since it has no marks for {name}: add {begin} and {end} where its "
            "result belongs"
        )
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def figure(page: Path, name: str, says: str, chart: Any, folder: Path | None = None) -> str:
    """Write a chart to its file; return the Markdown that shows it on the page, with a text for who cannot see it.

    Parameters
    ----------
    folder
        Where the file goes: without, to the folder of the page's name beside it.
    """
    folder = folder or page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    chart.render_to_file(str(folder / f"{name}.svg"))
    return f"![{says}]({page.stem}/{name}.svg)"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def today() -> str:
    """Return the date, as pages have it."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def machine() -> str:
    """Return processor, cores, memory and kernel of this machine."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    gibibytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    kernel = f"Linux {os.uname().release}"
    return f"{next(models, os.uname().machine)}, {os.cpu_count()} cores, {gibibytes:.0f} GiB, {kernel}"
