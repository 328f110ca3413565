"""``python -m infra.tools.translations``: what a page's translation lacks, or says that the page does not.

Of each pair ``docs/NAME.md`` and ``docs/NAME.ko.md`` it compares, section by section, what no language changes:
the depth of headings, the blocks of code, what stands in backticks, the rows of tables, and where links lead.
"""

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.tools.build_folder import ROOT

LANGUAGE: Final = "ko"
_FENCE: Final = re.compile(r"^```.*?^```$\n?", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^(#+) (.*)$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`]+)`")
_LINK: Final = re.compile(r"\]\(([^)#\s]*)(?:#[^)\s]*)?\)")


@dataclass
class Section:
    """A heading, and what is below it that no language changes."""

    title: str
    depth: int
    blocks: list[str] = field(default_factory=list)
    code: set[str] = field(default_factory=set)
    rows: int = 0
    links: set[str] = field(default_factory=set)


def sections(text: str) -> list[Section]:
    """Return the sections of a page, in their order."""
    blocks = iter(_FENCE.findall(text))
    parts = _HEADING.split(_FENCE.sub("```\n", text))
    found = []
    for marks, title, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        section = Section(title, len(marks))
        section.blocks = [next(blocks) for _ in re.findall("^```$", body, re.MULTILINE)]
        section.code = {" ".join(code.split()) for code in _CODE.findall(body.replace("```", ""))}
        section.rows = len(re.findall(r"^\|", body, re.MULTILINE))
        section.links = {_original(target) for target in _LINK.findall(body)}
        found.append(section)
    return found


def differences(page: str, translation: str) -> Iterator[str]:
    """Yield a sentence for each place at which two pages do not say the same."""
    originals, translated = sections(page), sections(translation)
    if [section.depth for section in originals] != [section.depth for section in translated]:
        titles = " / ".join(
            f"{one.title if one else '-'}: {other.title if other else '-'}"
            for one, other in itertools.zip_longest(originals, translated)
        )
        yield f"the headings do not correspond: {titles}"
        return
    for one, other in zip(originals, translated, strict=True):
        place = f"'{one.title}' and '{other.title}'"
        if one.blocks != other.blocks:
            yield f"{place}: the blocks of code differ"
        if one.rows != other.rows:
            yield f"{place}: {one.rows} rows of tables, and {other.rows}"
        for what, ours, theirs in (("`{}`", one.code, other.code), ("the link to '{}'", one.links, other.links)):
            yield from (f"{place}: {what.format(each)} is missing in the translation" for each in sorted(ours - theirs))
            yield from (f"{place}: {what.format(each)} is in the translation alone" for each in sorted(theirs - ours))


def _original(target: str) -> str:
    return target.replace(f".{LANGUAGE}.md", ".md")


def pairs() -> list[tuple[Path, Path]]:
    """Return every page that has a translation, with it."""
    translated = sorted((ROOT / "docs").glob(f"*.{LANGUAGE}.md"))
    return [(path.with_name(_original(path.name)), path) for path in translated]


def main() -> None:
    """Print the differences of all pairs; exit code 1 if there are any."""
    found = [
        f"{translation.relative_to(ROOT)}: {difference}"
        for page, translation in pairs()
        for difference in differences(page.read_text("utf-8"), translation.read_text("utf-8"))
    ]
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
