"""Each part's result replaces its own section of the page, and nothing else."""

from pathlib import Path

import pytest

from conformance.report import record


def test_a_result_replaces_the_last_one_and_leaves_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n<!-- a: result -->\nold\n<!-- a: end -->\n<!-- b: result -->\nkept\n<!-- b: end -->\n")
    record("a", {"tests": r"3 passed \1"}, page)
    record("a", {"tests": "4 passed"}, page)
    text = page.read_text()
    assert "| tests | 4 passed |" in text
    assert "3 passed" not in text
    assert "old" not in text
    assert "<!-- b: result -->\nkept\n<!-- b: end -->" in text


def test_a_part_without_a_section_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    with pytest.raises(ValueError, match="no marks for a"):
        record("a", {}, page)
