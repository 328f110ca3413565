"""How times of deploys come onto their page."""

from pathlib import Path

import pytest

from conformance.deploy_times.times import APPLY, DEPLOY, record
from tests.benchmarks.series import Series

MARKS = "before\n<!-- deploy_times: result -->\nold\n<!-- deploy_times: end -->\nafter\n"


@pytest.mark.parametrize(("deployed", "says"), [(1.3, "1.30 (at most 1.3: yes)"), (1.4, "1.40 (at most 1.3: **no**)")])
def test_table_and_picture(tmp_path: Path, deployed: float, says: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(MARKS)
    record({DEPLOY: Series((deployed, 9.0, 0.5)), APPLY: Series((1.0, 0.9, 1.1))}, "today", page)
    text = page.read_text()
    assert (text.startswith("before\n"), text.endswith("after\n"), "old" in text) == (True, True, False)
    assert f"| ratio of the medians | {says} |" in text
    assert "(page/deploys.svg)" in text
    assert b"<script" not in (tmp_path / "page" / "deploys.svg").read_bytes()
