"""What docs/security.md says is tried again is there: every test that it names exists under that name."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_NAMED: Final = re.compile(r"`((?:local/|cli/)?tests/[\w/.]+?)(?:::(\w+))?`")


def test_every_test_that_the_page_names_is_there() -> None:
    named = _NAMED.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    missing = []
    for path, test in named:
        place = ROOT / path
        if not place.exists() or (test and f"def {test}(" not in place.read_text(encoding="utf-8")):
            missing.append(f"{path}::{test}")
    assert missing == []
