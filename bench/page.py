"""Pages that hold the result of the last run between two marks."""

import datetime
from collections.abc import Sequence
from pathlib import Path


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
        raise ValueError(f"{page.name} has no place for {name}: {begin} … {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def today() -> str:
    """Return the date, as pages have it."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()
