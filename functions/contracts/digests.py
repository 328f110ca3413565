"""One way to turn several texts into one identity."""

import hashlib
from collections.abc import Iterable
from typing import Final

_LENGTH_BYTES: Final = 8


def digest_of_parts(parts: Iterable[bytes]) -> bytes:
    """SHA-256 over the parts, each with its length before it.

    Without the lengths, ``ab`` + ``c`` and ``a`` + ``bc`` would be the same.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(_LENGTH_BYTES, "big"))
        digest.update(part)
    return digest.digest()
