"""Matching of ``files`` patterns in spin.toml, as Spin's loader does (spin v3.6.3, crates/loader/src/local.rs).

``*``, ``?`` and ``[…]`` match within one part of a path, hidden files included; ``**`` matches any number of parts.
A pattern without any of these is a file, or a folder with all that is in it.
"""

import functools
from fnmatch import fnmatchcase
from typing import Final

_MAGIC: Final = frozenset("*?[")


def is_glob(pattern: str) -> bool:
    """Whether the pattern has anything to match with."""
    return not _MAGIC.isdisjoint(pattern)


def matches(path: str, pattern: str) -> bool:
    """Whether a file's path (relative, ``/`` between parts) is selected by a pattern."""
    if pattern == ".":
        return True
    if not is_glob(pattern):
        return path == pattern or path.startswith(f"{pattern}/")
    return _match(tuple(path.split("/")), tuple(pattern.split("/")))


@functools.cache
def _match(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        # Also the files of a folder that the rest of the pattern selects.
        return _match(path, pattern[1:]) or (bool(path) and _match(path[1:], pattern))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _match(path[1:], pattern[1:])
