"""What is wrong with a name, character by character, and one like it that could be used.

Korean is written in Latin letters syllable by syllable (Revised Romanization of Korean, 2000, without the changes
between syllables): 한글앱 is hangeulaep.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_SYLLABLES: Final = 0xAC00
_VOWELS: Final = 21
_FINALS: Final = 28
"""A Hangul syllable is ``0xAC00 + (initial * 21 + vowel) * 28 + final`` (Unicode Standard, section 3.12)."""
_INITIAL: Final = "g kk n d tt r m b pp s ss - j jj ch k t p h".split()  # noqa: SIM905 - read as a row
_VOWEL: Final = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()  # noqa: SIM905 - read as a row
_FINAL: Final = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()  # noqa: SIM905 - read as a row
_MOST_NAMED: Final = 10
_SEPARATORS: Final = re.compile(r"[-_.]{2,}")
_MOST_READ: Final = 4096
"""Characters of a name that are looked at: an answer takes no longer for a longer one."""


def advice(name: str, pattern: str, longest: int) -> str:
    """Return what is wrong with a name, and one like it that follows the rule, as the end of a sentence.

    Empty if there is nothing to say: no character is wrong, and nothing of the name can be used.
    """
    unusable, other = unusable_characters(name, pattern), suggested(name, pattern, longest)
    wrong = f"; it has {unusable}" if unusable else ""
    return f"{wrong}; '{other}' could be used" if other is not None else wrong


def unusable_characters(name: str, pattern: str) -> str:
    """Return the characters that cannot stand inside a name, each once: ``한, 글``; empty if there is none."""
    found = [
        character
        for character in dict.fromkeys(unicodedata.normalize("NFC", name[:_MOST_READ]))
        if not re.fullmatch(pattern, f"a{character}a")
    ]
    return ", ".join(map(_shown, found[:_MOST_NAMED])) + (", …" if len(found) > _MOST_NAMED else "")


def suggested(name: str, pattern: str, longest: int) -> str | None:
    """Return a name like this one that follows the rule; None if nothing of it can be used."""
    latin = "".join(_in_latin(character) for character in unicodedata.normalize("NFC", name[:_MOST_READ]))
    return next((other for other in _candidates(latin, longest) if re.fullmatch(pattern, other)), None)


def _candidates(latin: str, longest: int) -> Iterator[str]:
    """Yield what could be used, from the most like the name to the most plain."""
    for text, allowed in ((latin, "A-Za-z0-9._"), (latin.lower(), "a-z0-9")):
        usable = _SEPARATORS.sub("-", re.sub(rf"[^{allowed}]+", "-", text))
        yield usable[:longest].strip("-_.")
    yield usable.lstrip("-_.0123456789")[:longest].rstrip("-_.")


def _shown(character: str) -> str:
    return character if character.isprintable() and character != " " else f"U+{ord(character):04X}"


def _in_latin(character: str) -> str:
    index = ord(character) - _SYLLABLES
    if 0 <= index < len(_INITIAL) * _VOWELS * _FINALS:
        initial, rest = divmod(index, _VOWELS * _FINALS)
        vowel, final = divmod(rest, _FINALS)
        return f"{_INITIAL[initial]}{_VOWEL[vowel]}{_FINAL[final]}".replace("-", "")
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or character
