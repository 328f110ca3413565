"""Examples in docstrings (``>>>``) answer what they say."""

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
_PACKAGES: Final = {ROOT: ("functions", "infra", "local"), ROOT / "builder_image": ("builder", "fast_lane")}


def _modules_with_examples() -> Iterator[str]:
    for root, packages in _PACKAGES.items():
        for path in (file for package in packages for file in sorted((root / package).rglob("*.py"))):
            if ">>> " in path.read_text(encoding="utf-8"):
                yield ".".join(path.relative_to(root).with_suffix("").parts)


NAMES: Final = list(_modules_with_examples())


def test_there_are_some() -> None:
    assert len(NAMES) > 5


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_true(name: str) -> None:
    shown = doctest.testmod(importlib.import_module(name))
    assert shown.attempted
    assert not shown.failed
