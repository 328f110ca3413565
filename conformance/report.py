"""Keep the last result of each part in docs/conformance.md, between two marks that name the part."""

import datetime
import platform
import re
from pathlib import Path
from typing import Final

NOT_RUN: Final = 3
"""Exit status of a part whose prerequisites are missing on this machine."""

_PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "conformance.md"


def record(part: str, facts: dict[str, str], page: Path = _PAGE) -> None:
    """Replace a part's table of facts on the page.

    Parameters
    ----------
    part
        Name of the subpackage; the page must hold its two marks.
    facts
        What was run and what it showed: versions, counts. The date and the machine are added.
    page
        The Markdown file.

    Raises
    ------
    ValueError
        The page has no marks for this part.
    """
    rows = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "machine": _machine(), **facts}
    table = "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])
    begin, end = f"<!-- {part}: result -->", f"<!-- {part}: end -->"
    section = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    text, found = section.subn(lambda _: f"{begin}\n{table}\n{end}", page.read_text("utf-8"))
    if not found:
        raise ValueError(f"{page.name} has no marks for {part}: add {begin} and {end} where its result belongs")
    page.write_text(text, "utf-8")


def _machine() -> str:
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("utf-8"))
    cores = len(re.findall(r"^processor\s*:", Path("/proc/cpuinfo").read_text("utf-8"), flags=re.M))
    return f"{model[1].strip() if model else platform.machine()}, {cores} cores, Linux {platform.release()}"
