"""Names for what a single .py file does not name itself: the app and its component."""

import re
from typing import Final

KEBAB_ID: Final = re.compile(r"(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*))*")
"""A Spin component id (spin v3.6.3, crates/serde/src/id.rs: words of one case, each starting with a letter)."""

_MAX: Final = 63
_DEFAULT: Final = "app"


def component_id(name: str) -> str:
    """Make the nearest valid component id of any name: ``my-function2`` of ``My_Function 2``, ``app`` of ``한글``."""
    words: list[str] = []
    for word in re.findall(r"[a-z0-9]+", name.lower()):
        if word[0].isdigit():
            # A word cannot start with a digit, so it joins the one before.
            words = [*words[:-1], (words[-1] if words else _DEFAULT) + word]
        else:
            words.append(word)
    return "-".join(words)[:_MAX].rstrip("-") or _DEFAULT
