"""The files that a component brings along, as a read-only tree for `local.spin_host.host.filesystem`."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path


class FileTreeError(ValueError):
    """The app's list of files cannot be laid out."""


@dataclass(frozen=True)
class File:
    """A file: its bytes, or where they are."""

    content: bytes | Path
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``."""
        if isinstance(self.content, bytes):
            return self.content[offset : offset + length]
        descriptor = os.open(self.content, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, length, offset)
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class Directory:
    """A folder: names to what they are."""

    entries: dict[str, "Directory | File"] = field(default_factory=dict)

    def add(self, path: str, file: File) -> None:
        """Place a file at a relative ``path``.

        Raises
        ------
        FileTreeError
            The path is absolute, climbs, is empty, or runs through a file.
        """
        names = path.split("/")
        if any(name in ("", ".", "..") for name in names) or "\0" in path:
            raise FileTreeError(f"file {path!r}: must be a relative path without '.' or '..'")
        here = self
        for name in names[:-1]:
            below = here.entries.setdefault(name, Directory())
            if not isinstance(below, Directory):
                raise FileTreeError(f"file {path!r}: {name!r} is a file and a folder at once")
            here = below
        if isinstance(here.entries.get(names[-1]), Directory):
            raise FileTreeError(f"file {path!r}: it is a file and a folder at once")
        here.entries[names[-1]] = file


Node = Directory | File


def identity(path: str) -> tuple[int, int]:
    """Two 64-bit halves that name a place in the tree, for ``metadata-hash``."""
    digest = hashlib.sha256(path.encode()).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big")
