"""Reading the locks that `make lock` writes: each package, with the hashes of all its files."""

import re
from typing import Final

from packaging.requirements import Requirement

_ENTRY: Final = re.compile(
    r"^(?P<requirement>[^#\s][^\\\n]*) \\\n(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
_SHA256: Final = re.compile(r"sha256:([0-9a-f]{64})")


class PinError(Exception):
    """Something is not pinned as it has to be; the text says what and where."""


def locked(content: str) -> list[tuple[Requirement, list[str]]]:
    """Return the packages of a lock, and the SHA-256 of all files of each.

    Raises
    ------
    PinError
        A line has no hashes.
    """
    entries = list(_ENTRY.finditer(content))
    if len(entries) != len(re.findall(r"^[^#\s]", content, re.MULTILINE)):
        raise PinError("A line of a lock has no hashes. Run `make lock`.")
    return [(Requirement(entry["requirement"]), _SHA256.findall(entry["hashes"])) for entry in entries]
