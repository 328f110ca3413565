"""What is wrong with a name, character by character, and one like it that could be used.

Korean is written in Latin letters syllable by syllable (Revised Romanization of Korean, 2000, without the changes
between syllables): 한글앱 is hangeulaep.
"""

import re
import unicodedata
from typing import Final

from functions.contracts.names import MAX_NAME

_SYLLABLES: Final = 0xAC00
_VOWELS: Final = 21
_FINALS: Final = 28
"""A Hangul syllable is ``0xAC00 + (initial * 21 + vowel) * 28 + final`` (Unicode Standard, section 3.12)."""
_INITIAL: Final = "g kk n d tt r m b pp s ss - j jj ch k t p h".split()  # noqa: SIM905 - read as a row
_VOWEL: Final = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()  # noqa: SIM905 - read as a row
_FINAL: Final = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()  # noqa: SIM905 - read as a row
_MOST_NAMED: Final = 10
_NOT_ALLOWED: Final = re.compile(r"[^A-Za-z0-9._-]+")


def unusable_characters(name: str) -> str:
    """Return the characters of a name that no name may have, each once: ``한, 글``; empty if there is none."""
    found = dict.fromkeys("".join(_NOT_ALLOWED.findall(unicodedata.normalize("NFC", name))))
    shown = [
        character if character.isprintable() and character != " " else f"U+{ord(character):04X}" for character in found
    ]
    return ", ".join(shown[:_MOST_NAMED]) + (", …" if len(shown) > _MOST_NAMED else "")


def suggested(name: str) -> str | None:
    """Return a name like this one that can be used; None if nothing of it can."""
    latin = "".join(_in_latin(character) for character in unicodedata.normalize("NFC", name))
    usable = re.sub(r"[-_.]{2,}", "-", _NOT_ALLOWED.sub("-", latin))
    return usable[:MAX_NAME].strip("-_.") or None


def _shown(character: str) -> str:
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def _in_latin(character: str) -> str:
    index = ord(character) - _SYLLABLES
    if 0 <= index < len(_INITIAL) * _VOWELS * _FINALS:
        initial, rest = divmod(index, _VOWELS * _FINALS)
        vowel, final = divmod(rest, _FINALS)
        return f"{_INITIAL[initial]}{_VOWEL[vowel]}{_FINAL[final]}".replace("-", "")
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or character
