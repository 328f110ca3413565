"""A folder of blobs named by their digest, ``blobs/sha256/<hex>``, as in an OCI image layout.

Whatever is there is whole and right: a blob is written beside its place, checked, and moved in by one rename. Any
number of processes may share a store; two that fetch the same blob at once both succeed, and one of the equal files
stays.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from local.oci.errors import CorruptContentError
from local.oci.reference import is_digest


class ContentStore:
    """Blobs under one folder; made on first use."""

    def __init__(self, root: str | Path) -> None:
        self._folder = Path(root) / "blobs" / "sha256"

    def path(self, digest: str) -> Path:
        """Where a blob is or would be.

        Raises
        ------
        ValueError
            Not a sha256 digest (so no digest can name a path outside the store).
        """
        if not is_digest(digest):
            raise ValueError(f"not a sha256 digest: {digest!r}")
        return self._folder / digest.removeprefix("sha256:")

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""
        return self.path(digest).is_file()

    def write(self, digest: str, parts: Iterable[bytes], *, source: str, size: int | None = None) -> Path:
        """Take in a blob part by part; returns where it is.

        Parameters
        ----------
        digest
            What it must be.
        parts
            Its bytes, in order.
        source
            Where they come from, for the error.
        size
            Bytes it must have; reading stops beyond that.

        Raises
        ------
        CorruptContentError
            The bytes are not those of ``digest``; nothing is kept.
        """
        target = self.path(digest)
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".incoming-", dir=self._folder)
        incoming = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                actual, length = hashlib.sha256(), 0
                for part in parts:
                    length += len(part)
                    if size is not None and length > size:
                        break
                    actual.update(part)
                    file.write(part)
            if size is not None and length != size:
                raise CorruptContentError(f"blob {digest} should have {size} bytes and does not", url=source)
            if f"sha256:{actual.hexdigest()}" != digest:
                raise CorruptContentError(f"blob {digest} came as sha256:{actual.hexdigest()}", url=source)
            incoming.chmod(0o644)  # mkstemp makes it private; other users' processes run these blobs
            incoming.replace(target)
        finally:
            incoming.unlink(missing_ok=True)
        return target
