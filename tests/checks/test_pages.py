"""Pages in two languages say the same, and their commands can be pasted: nothing in them stands for something else."""

import re
from pathlib import Path
from typing import Final

import pytest

from bench.run import PAGE
from bench.service.__main__ import PARTS
from infra.tools import translations
from infra.tools.build_folder import ROOT

PAGES: Final = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
_SHELL: Final = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PAGE: Final = """# Building

Send it.

## Waiting

`wait` holds it back ([events](events.md)).

```sh
curl $API
```

| field | what |
| --- | --- |
| `way` | how |
"""
_TRANSLATION: Final = (
    _PAGE.replace("Building", "빌드").replace("Waiting", "기다리기").replace("holds it back", "기다립니다")
)


def test_translated_pages_say_what_the_pages_say() -> None:
    assert [path.name for _, path in translations.pairs()] == ["building.ko.md", "deploying.ko.md", "ui.ko.md"]
    for page, translation in translations.pairs():
        assert list(translations.differences(page.read_text("utf-8"), translation.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("change", "into", "says"),
    [
        ("## 기다리기", "### 기다리기", "headings"),
        ("# 빌드\n", "# 빌드\n\n## 새 절\n", "headings"),
        ("curl $API", "curl -s $API", "blocks of code"),
        ("`wait`", "", "`wait` is missing in the translation"),
        ("events.md", "tenancy.md", "the link to 'events.md' is missing"),
        ("`way`", "`way`, `size`", "`size` is in the translation alone"),
        ("| `way` | how |", "| `way` | how |\n| 셋 | 넷 |", "3 rows of tables, and 4"),
    ],
)
def test_a_translation_that_drifts_is_found(change: str, into: str, says: str) -> None:
    assert list(translations.differences(_PAGE, _TRANSLATION)) == []
    assert change in _TRANSLATION
    assert says in "\n".join(translations.differences(_PAGE, _TRANSLATION.replace(change, into)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_that_pages_name_are_there(page: Path) -> None:
    named = re.findall(r"(?<![\w/])examples/[\w./-]*\w", page.read_text("utf-8"), re.ASCII)
    # The pages about the cluster count from its folder.
    assert [path for path in named if not ((ROOT / path).exists() or (ROOT / "cluster" / path).exists())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_say_which_address_they_call(page: Path) -> None:
    text = page.read_text("utf-8")
    commands = "\n".join(_SHELL.findall(text))
    assert not re.search(r"https?://API\b", text)
    if "$API" in commands:
        assert re.search(r"^(?:\$ )?(?:export )?API=", commands, re.MULTILINE), "API is set nowhere on the page"
        assert commands.index("API=") < commands.index("$API")


def test_each_part_of_the_measurements_has_its_place() -> None:
    page = PAGE.read_text("utf-8")
    for part in PARTS:
        assert page.count(f"<!-- bench {part}: result -->") == page.count(f"<!-- bench {part}: end -->") == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_that_pages_show_are_there(page: Path) -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^):]+)\)", page.read_text("utf-8")):
        assert (page.parent / path).is_file(), f"{page.name} shows {path}"
