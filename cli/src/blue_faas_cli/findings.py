"""Errors in a source as compilers show them: ``app.py:10: error: …`` and the line itself."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PLACE: Final = re.compile(r"(?:(?P<introduction>[^:\n]+): )?(?P<file>[^:\n]+):(?P<line>[0-9]{1,7}): (?P<text>.*)")
"""Editors look for the place at the beginning of a line, so what introduces the first one gets a line of its own."""


def shown(error: str, files: dict[str, Path]) -> Iterator[str]:
    """Yield the lines of a task's ``error``; below each that names a place of the source, the line of that place.

    Parameters
    ----------
    files
        Path within the upload to the file on this machine; no other file is read.
    """
    for line in error.splitlines():
        match = _PLACE.fullmatch(line)
        file = files.get(match["file"]) if match else None
        if match is None or file is None:
            yield line
            continue
        if match["introduction"]:
            yield f"{match['introduction']}:"
        yield f"{file}:{match['line']}: {match['text']}"
        source = _line(file, int(match["line"]))
        if source is not None:
            yield f"{match['line']:>5} | {source}"


def _line(file: Path, number: int) -> str | None:
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return lines[number - 1].rstrip() if 0 < number <= len(lines) else None
