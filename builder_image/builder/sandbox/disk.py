"""What a step has on the machine's disks: counted by the watch, removed at its end."""

import contextlib
import errno
import os
import stat
import subprocess
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from builder.sandbox.own_disk import FILE_BYTES

_SHARED_FOLDERS: Final = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")  # noqa: S108


def written_on_disks(folder: Path) -> int:
    """Bytes in use on every file system that a step in ``folder`` may write to."""
    disks: dict[int, int] = {}
    for place in (str(folder), *_SHARED_FOLDERS):
        with contextlib.suppress(OSError):
            disk = os.statvfs(place)
            disks[os.stat(place).st_dev] = (disk.f_blocks - disk.f_bfree) * disk.f_frsize  # noqa: PTH116 - hot
    return sum(disks.values())


def disk_used(folder: Path) -> int:
    """Bytes on disk below ``folder``, a block at least for each file, links not followed, without what has vanished.

    Raises
    ------
    TooDeepError
        There may be more, where no path leads.
    """
    total = 0
    pending = deque([folder])
    while pending:
        try:
            with os.scandir(pending.popleft()) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        total += _size(entry.stat(follow_symlinks=False))
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(Path(entry.path))
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise TooDeepError from None
    return total


def disk_used_elsewhere(uid: int) -> int:
    """Bytes on disk of what a user has in folders that everyone can write to."""
    return sum(disk_used(path) if is_folder else size for path, is_folder, size in _entries_of(uid))


class TooDeepError(Exception):
    """Folders are nested so deeply that their paths are too long to be opened."""


def remove_folder(folder: Path) -> None:
    """Remove a folder that others' code has filled, however deep it is."""
    # shutil calls itself once a level, and builds each entry's path anew: deep folders would take it minutes.
    subprocess.run(["/bin/rm", "-rf", "--", str(folder)], env={}, capture_output=True, check=False)


def remove_leftovers(uid: int) -> None:
    """Remove what a user has in folders that everyone can write to."""
    for path, is_folder, _ in list(_entries_of(uid)):
        if is_folder:
            remove_folder(path)
        else:
            path.unlink(missing_ok=True)


def _entries_of(uid: int) -> Iterator[tuple[Path, bool, int]]:
    """List what a user has in folders that everyone can write to: path, whether it is a folder, bytes on disk."""
    for folder in _SHARED_FOLDERS:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_uid == uid:
                        yield Path(entry.path), stat.S_ISDIR(status.st_mode), _size(status)


def _size(status: os.stat_result) -> int:
    return max(status.st_blocks * 512, FILE_BYTES)
