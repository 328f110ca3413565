"""A file system of a step's own in memory, where the host allows mounts: the kernel itself limits bytes and inodes.

What is mounted is seen by the builder and what it starts, and goes with them, however they end. Elsewhere (CodeBuild, a
container with docker's capabilities) nothing can be mounted, and the watch over the step counts alone.
"""

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Final

FILE_BYTES: Final = 4096
"""What a file counts for at least: with nothing in it, its name and its inode take room too."""

_CLONE_NEWNS: Final = 0x00020000  # linux/sched.h
_MS_NOSUID: Final = 0x2  # linux/mount.h
_MS_NODEV: Final = 0x4
_MS_REC: Final = 0x4000
_MS_SLAVE: Final = 0x80000
_MNT_DETACH: Final = 0x2


def take_namespace() -> bool:
    """Take a mount namespace of this process's own, before it has threads; False where the host refuses it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS):
        return False
    # What the host mounts or unmounts later still shows here, but never the other way round.
    return bool(libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None) == 0)


def mount(folder: Path, most_bytes: int) -> bool:
    """Put a file system of ``most_bytes`` over ``folder``; False where there can be none.

    It has an inode for each `FILE_BYTES` of it (tmpfs(5)).
    """
    if not _in_own_namespace():
        return False
    options = f"size={most_bytes},nr_inodes={most_bytes // FILE_BYTES},mode=700".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.mount(b"tmpfs", bytes(folder), b"tmpfs", _MS_NOSUID | _MS_NODEV, options) == 0)


def unmount(folder: Path) -> None:
    """Let go of what `mount` has mounted, with all that is in it."""
    ctypes.CDLL(None).umount2(bytes(folder), _MNT_DETACH)


def is_full(folder: Path) -> bool:
    """Whether a file system that `mount` has mounted has no byte or no inode left."""
    disk = os.statvfs(folder)
    return not disk.f_bavail or not disk.f_favail


def _in_own_namespace() -> bool:
    # A mount elsewhere would be everybody's, and would outlive a builder that is killed.
    with contextlib.suppress(OSError):
        return Path("/proc/self/ns/mnt").readlink() != Path(f"/proc/{os.getppid()}/ns/mnt").readlink()
    return False
