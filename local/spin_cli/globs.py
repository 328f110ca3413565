"""Glob patterns as the Rust crate ``glob`` 0.3 reads them, which is how a manifest's ``files`` are meant.

They differ from Python's: ``**`` at the end matches folders only, hidden files match like others, ``!`` negates a
class, and in ``exclude_files`` a ``*`` crosses slashes. Source: https://docs.rs/glob/0.3.
"""

import re
from typing import Final

_NEVER: Final = re.compile(r"(?!)")


class GlobError(ValueError):
    """The pattern is malformed. The message says how."""


def looks_like_glob(text: str) -> bool:
    """Whether a ``files`` entry that is no existing path can be a pattern."""
    return any(character in text for character in "*?[")


def compile_walk(pattern: str) -> re.Pattern[str]:
    """For paths relative to the folder that is walked, with forward slashes; a ``*`` stays within one name.

    Raises:
        GlobError: the pattern is malformed.
    """
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    for name in names:
        _translate(name, "[^/]")
    if not names or names[-1] == "**":
        return _NEVER  # a file never matches a trailing `**`
    parts = ["(?:[^/]+/)*" if name == "**" else _translate(name, "[^/]") + "/" for name in names]
    return re.compile("".join(parts).removesuffix("/"), re.DOTALL)


def compile_folders_above(pattern: str) -> re.Pattern[str]:
    """For the folders that may hold something that `compile_walk` matches.

    Raises:
        GlobError: the pattern is malformed.
    """
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    prefixes = [names[:count] for count in range(1, len(names))]
    # A `**` stands for any folder: one more name makes it match them.
    wholes = ["/".join([*prefix, "*"] if prefix[-1] == "**" else prefix) for prefix in prefixes]
    return re.compile("|".join(f"(?:{compile_walk(whole).pattern})" for whole in wholes) or _NEVER.pattern, re.DOTALL)


def compile_exclude(pattern: str) -> re.Pattern[str]:
    """For ``exclude_files``: a whole path relative to the app folder, where wildcards match slashes too.

    Raises:
        GlobError: the pattern is malformed.
    """
    return re.compile(_translate(pattern, "."), re.DOTALL)


def _translate(pattern: str, any_character: str) -> str:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "*":
            end = position
            while end < len(pattern) and pattern[end] == "*":
                end += 1
            out.append(_stars(pattern, position, end, any_character))
            # `**/` is one token: the slash belongs to the folders it may match none of
            position = end + (end - position == 2 and end < len(pattern))
        elif character == "?":
            out.append(any_character)
            position += 1
        elif character == "[":
            end = _class_end(pattern, position)
            out.append(_character_class(pattern[position + 1 : end], any_character))
            position = end + 1
        else:
            out.append(re.escape(character))
            position += 1
    return "".join(out)


def _stars(pattern: str, start: int, end: int, any_character: str) -> str:
    if end - start == 1:
        return f"{any_character}*"
    if end - start > 2:
        raise GlobError("wildcards are either regular `*` or recursive `**`")
    if (start > 0 and pattern[start - 1] != "/") or (end < len(pattern) and pattern[end] != "/"):
        raise GlobError("recursive wildcards must form a single path component")
    return "(?:.*/)?" if end < len(pattern) else ".*"


def _class_end(pattern: str, start: int) -> int:
    """Where the closing bracket is; a bracket right after the opening one is a member of the class."""
    first = start + (2 if pattern[start + 1 : start + 2] == "!" else 1)
    end = pattern.find("]", first + 1)
    if end < 0:
        raise GlobError("invalid range pattern")
    return end


def _character_class(body: str, any_character: str) -> str:
    negated, members = (True, body[1:]) if body.startswith("!") else (False, body)
    ranges = []
    position = 0
    while position < len(members):
        if position + 2 < len(members) and members[position + 1] == "-":
            low, high = members[position], members[position + 2]
            if low <= high:
                ranges.append(f"{re.escape(low)}-{re.escape(high)}")
            position += 3
        else:
            ranges.append(re.escape(members[position]))
            position += 1
    if not ranges:
        return any_character if negated else "(?!)"
    return f"(?={any_character})[{'^' if negated else ''}{''.join(ranges)}]"
