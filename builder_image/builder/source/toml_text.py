"""TOML that strangers wrote, parsed in the trusted process: bounded before it is parsed.

tomllib takes the square of a key's parts and calls itself for what is nested, and Python's integers take the square of
their digits. So keys, words and nesting are measured first, in one pass.
"""

import re
import tomllib
from typing import Any, Final

from builder.errors import BuildError

MOST_CHARACTERS: Final = 256 * 1024
MOST_KEY_PARTS: Final = 16
MOST_NESTED: Final = 64
MOST_WORD: Final = 1000
"""Characters of a bare key, a number or a date."""

# Whatever a string holds, its closing quotes are optional and its characters fit one alternative each: so nothing that
# was taken is ever given back, and the text is passed once.
_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*(?:""")?|' + r"'''(?:[^']|'(?!''))*(?:''')?|"
    r'"(?:[^"\\\n]|\\[^\n])*"?|' + r"'[^'\n]*'?|"
    r"#[^\n]*|(?P<word>[^\s\"'#.,=\[\]{}]+)|(?P<mark>[.,=\n\[\]{}])",
    re.DOTALL,
)


def read_toml(text: str, where: str) -> dict[str, Any]:
    """Parse a TOML document.

    Raises
    ------
    BuildError
        It is no TOML, or larger or deeper than anyone would write by hand. ``where`` begins the text.
    """
    if len(text) > MOST_CHARACTERS:
        raise BuildError(f"{where} is longer than {MOST_CHARACTERS:,} characters.")
    _check_shape(text, where)
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; int() raises another
        raise BuildError(f"{where} is not valid TOML: {error}") from None


def _check_shape(text: str, where: str) -> None:
    line, parts, nested = 1, 1, 0
    for match in _TOKEN.finditer(text):
        mark, word = match["mark"], match["word"]
        if mark == ".":
            parts += 1
            if parts > MOST_KEY_PARTS:
                raise BuildError(f"{where}, line {line}: a key of more than {MOST_KEY_PARTS} parts.")
        elif mark is not None:
            parts = 1
            nested += (mark in "[{") - (mark in "]}")
            if nested > MOST_NESTED:
                raise BuildError(f"{where}, line {line}: nested too deeply.")
            line += mark == "\n"
        elif word is not None:
            if len(word) > MOST_WORD:
                raise BuildError(f"{where}, line {line}: a word of more than {MOST_WORD:,} characters.")
        else:
            line += match[0].count("\n")
