"""Glob patterns as the Rust crate ``glob`` 0.3 reads them, which is how a manifest's ``files`` are meant.

Matching is `builder.source.glob`'s. What comes to it here: malformed patterns are refused, ``**`` at the end matches
folders only, and in ``exclude_files`` a ``*`` crosses slashes. Source: https://docs.rs/glob/0.3.
"""

import re
import sys
from fnmatch import translate
from typing import Final

from builder.source.glob import Patterns

_CLASS: Final = re.compile(r"\[!?+.[^\]]*\]", re.DOTALL)
"""``[…]`` has a member, which may be a bracket."""
_FOLDERS: Final = re.compile(r"(?<![^/])\*\*/")
"""One token: the slash belongs to the folders, of which there may be none."""


class GlobError(ValueError):
    """The pattern is malformed. The message says how."""


class WalkPattern:
    """A pattern with wildcards for paths relative to the folder that is walked; a ``*`` stays within one name."""

    def __init__(self, pattern: str) -> None:
        """Compile it.

        Raises
        ------
        GlobError
            The pattern is malformed.
        """
        names = [name for name in pattern.split("/") if name not in ("", ".")]
        for name in names:
            _check(name)
        self._names_folders = names[-1:] == ["**"]
        # Unbounded: the builder has bounded it when it read the manifest.
        self._patterns = Patterns(["/".join(names)], most_work=sys.maxsize)

    def matches(self, path: str) -> bool:
        """Whether a file is meant."""
        return not self._names_folders and bool(self._patterns.selecting(path))

    def may_match_below(self, folder: str) -> bool:
        """Whether something in a folder may be meant."""
        return bool(self._patterns.selecting_below(folder))


def compile_exclude(pattern: str) -> re.Pattern[str]:
    """For ``exclude_files``: a whole path relative to the app folder, where wildcards match slashes too.

    Raises
    ------
    GlobError
        The pattern is malformed.
    """
    _check(pattern)
    pieces = [translate(piece).removesuffix(r"\Z") for piece in _FOLDERS.split(pattern)]
    return re.compile("(?:.*/)?".join(pieces), re.DOTALL)


def _check(pattern: str) -> None:
    outside_classes = _CLASS.sub("", pattern)
    if "[" in outside_classes:
        raise GlobError("invalid range pattern")
    if any("**" in name for name in outside_classes.split("/") if name != "**"):
        raise GlobError("recursive wildcards must form a single path component")
