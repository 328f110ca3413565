"""Paths that a manifest names, and opening them without ever leaving the app's folder.

Whoever wrote the manifest also ran code in that folder: a check of a path followed by its use is a race, so each part
is opened from the folder above it, refusing symbolic links (openat with O_NOFOLLOW).
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from builder.errors import BuildError

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a FIFO would otherwise wait for a writer before it can be seen to be one.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_PLAIN: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EACCES})
_MOST_CHARACTERS: Final = 1024
_MOST_FILES: Final = 100_000


def inside(path: str, where: str) -> str:
    """``path`` normalised (no ``.``, no doubled slash; the folder itself is ``.``) when it stays inside as written.

    Raises
    ------
    BuildError
        It is empty, too long, absolute, has ``..``, a backslash or control characters. ``where`` begins the text.
    """
    parts = path.split("/")
    if len(path) > _MOST_CHARACTERS:
        raise BuildError(f"{where}: '{ascii(path)[1:-1][:120]}…' is longer than {_MOST_CHARACTERS:,} characters.")
    if not path or path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
        raise BuildError(f"{where}: '{ascii(path)[1:-1][:120]}' must be a relative path inside the app's folder.")
    return "/".join(part for part in parts if part not in {"", "."}) or "."


def is_text(path: str) -> bool:
    """Whether a path that the file system gave is UTF-8: manifests, reports and other systems know no other."""
    return not any("\udc80" <= character <= "\udcff" for character in path)


def open_inside(root: Path, path: str, where: str) -> int:
    """Descriptor, for reading, of a regular file inside ``root``; ``path`` is one that `inside` gave.

    Raises
    ------
    BuildError
        A part of the path is a symbolic link, or what stands there is no regular file.
    FileNotFoundError
        Nothing stands there.
    """
    descriptor = os.open(root, _FOLDER)
    *folders, name = path.split("/")
    try:
        for part in folders:
            descriptor = _step(descriptor, part, _FOLDER)
        descriptor = _step(descriptor, name, _FILE)
    except OSError as error:
        if error.errno in _NOT_PLAIN:
            raise BuildError(
                f"{where}: '{path}' is, or lies behind, a symbolic link or a special file. Put the file itself there."
            ) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BuildError(f"{where}: '{path}' is not a regular file.")
    return descriptor


def _step(folder: int, part: str, flags: int) -> int:
    try:
        return os.open(part, flags, dir_fd=folder)
    finally:
        os.close(folder)


def walk(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Everything below ``root`` but folders, with its path; symbolic links are named, never followed.

    Raises
    ------
    BuildError
        There is more than anyone would ship, or paths are too long to be opened.
    """
    pending = [""]
    seen = 0
    while pending:
        folder = pending.pop()
        entries = _entries(root / folder)
        seen += len(entries)
        if seen > _MOST_FILES:
            raise BuildError(f"The app's folder holds more than {_MOST_FILES:,} files after the build.")
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            else:
                yield path, entry


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise BuildError("The app's folder has paths that are too long.") from None
        raise
