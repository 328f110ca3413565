"""Keep the last result of each part in docs/conformance.md, between two marks that name the part."""

from pathlib import Path
from typing import Final

from bench.page import machine, replace_between, table, today

NOT_RUN: Final = 3
"""Exit status of a part whose prerequisites are missing on this machine."""

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "conformance.md"


def record(part: str, facts: dict[str, str], page: Path = PAGE) -> None:
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
    rows = {"date": today(), "machine": machine(), **facts}
    replace_between(page, part, table(("", ""), [[name, value] for name, value in rows.items()]))
