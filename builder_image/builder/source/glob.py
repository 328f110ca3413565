"""Matching of ``files`` patterns in spin.toml, as Spin's loader does (spin v3.6.3, crates/loader/src/local.rs).

``*``, ``?`` and ``[…]`` match within one part of a path, hidden files included; ``**`` matches any number of parts.
A pattern without any of these is a file, or a folder with all that is in it.
"""

import re
from collections.abc import Iterable
from fnmatch import translate
from typing import Final

_MAGIC: Final = frozenset("*?[")
_STEP: Final = 100
MOST_WORK: Final = 1_000_000_000
"""A comparison of a part of a path with a part of a pattern is `_STEP`, and the product of their lengths: all of it is
some seconds."""


class TooMuchWorkError(Exception):
    """So many files were matched against so many patterns that it would take too long to go on."""


def is_glob(pattern: str) -> bool:
    """Whether the pattern has anything to match with."""
    return not _MAGIC.isdisjoint(pattern)


class _Part:
    """A part of a pattern; ``expression`` is None for ``**``.

    What fnmatch makes of ``*`` never tries a second way (CPython 3.9, bpo-40480).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.expression = None if text == "**" else re.compile(translate(text))


class Patterns:
    """Patterns, prepared for being matched against many paths."""

    def __init__(self, patterns: Iterable[str], most_work: int = MOST_WORK) -> None:
        self._plain: set[str] = set()
        self._globs: list[tuple[str, list[_Part]]] = []
        self._work_left = most_work
        for pattern in dict.fromkeys(patterns):
            if is_glob(pattern):
                self._globs.append((pattern, [_Part(part) for part in pattern.split("/")]))
            else:
                self._plain.add(pattern)

    def selecting(self, path: str) -> list[str]:
        """Return the patterns that select a file's path (relative, ``/`` between parts).

        Raises
        ------
        TooMuchWorkError
            All paths until now took more than ``most_work``.
        """
        parts = path.split("/")
        above = ["."] if "." in self._plain else []
        folder = ""
        for part in parts:
            folder = f"{folder}/{part}" if folder else part
            if folder in self._plain:
                above.append(folder)
        return above + [pattern for pattern, compiled in self._globs if len(compiled) in self._places(parts, compiled)]

    def selecting_below(self, folder: str) -> list[str]:
        """Return the glob patterns that may select something in a folder.

        Raises
        ------
        TooMuchWorkError
            All paths until now took more than ``most_work``.
        """
        parts = folder.split("/")
        return [
            pattern
            for pattern, compiled in self._globs
            if any(index < len(compiled) for index in self._places(parts, compiled))
        ]

    def _places(self, parts: list[str], pattern: list[_Part]) -> set[int]:
        """Where in the pattern one can be after ``parts``; its length is its end."""
        # All ways through the pattern at once: no part is compared twice.
        at = _skipped({0}, pattern)
        for part in parts:
            self._work_left -= sum(_STEP + len(part) * len(pattern[index].text) for index in at if index < len(pattern))
            if self._work_left < 0:
                raise TooMuchWorkError
            at = _skipped({after for index in at for after in _step(part, index, pattern)}, pattern)
            if not at:
                break
        return at


def _step(part: str, index: int, pattern: list[_Part]) -> tuple[int, ...]:
    """Where in the pattern one can be after ``part``."""
    if index == len(pattern):
        return ()
    expression = pattern[index].expression
    if expression is None:
        return (index,)
    return (index + 1,) if expression.match(part) else ()


def _skipped(at: set[int], pattern: list[_Part]) -> set[int]:
    """``at``, and what follows where ``**`` matches no part."""
    for index, part in enumerate(pattern):
        if index in at and part.expression is None:
            at.add(index + 1)
    return at
