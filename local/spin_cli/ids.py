"""Names in a manifest: what is wrong with one, None if nothing is. Source: crates/serde/src/id.rs."""

import re
from typing import Final

from builder.source.names import KEBAB_ID

_LOWER_SNAKE: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*")
_SNAKE: Final = re.compile(KEBAB_ID.pattern.replace("-(", "_("))
_WORDS: Final = "words of ASCII letters and digits, each starting with a letter and of one case, joined by"


def kebab_fault(text: str) -> str | None:
    """For a component id."""
    return None if KEBAB_ID.fullmatch(text) else f"'{text}' is not valid: {_WORDS} '-'"


def lower_snake_fault(text: str) -> str | None:
    """For a variable's name."""
    return None if _LOWER_SNAKE.fullmatch(text) else f"'{text}' is not valid: {_WORDS} '_', in lower case"


def label_fault(text: str) -> str | None:
    """For the label of a key-value store or a database, which may be written either way."""
    return None if _SNAKE.fullmatch(text) else kebab_fault(text)
