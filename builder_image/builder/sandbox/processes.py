"""Noticing and forcing the end of processes, and keeping the builder's own out of their reach."""

import contextlib
import ctypes
import errno
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER: Final = 36
_CAP_SYS_PTRACE: Final = 19  # linux/capability.h
_MEMORY: Final = "/proc/meminfo"
_GIVE_UP_SECONDS: Final = 10.0
_ROUND_SECONDS: Final = 1.0
_BLOCK_BYTES: Final = 512
"""Unit of ``st_blocks`` (inode(7))."""


class UnkillableError(Exception):
    """A sandboxed process did not end; its user must not be used again and nothing may be pushed."""


def harden() -> None:
    """Hide this process from same-user readers of /proc, and inherit processes whose parent has died.

    Not dumpable means that /proc/PID/environ and mem belong to root, and that nobody unprivileged can trace it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descriptor(pid: int) -> int:
    """Descriptor that becomes readable when child ``pid`` has ended; the caller closes it.

    A pidfd where there are any (Linux 5.3; a container's filter may refuse them), otherwise a pipe that a waiting
    thread closes.
    """
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
    readable, held = os.pipe()
    threading.Thread(target=_close_at_end, args=(pid, held), name=f"end of {pid}", daemon=True).start()
    return readable


def _close_at_end(pid: int, held: int) -> None:
    with contextlib.suppress(ChildProcessError):
        # Collecting it stays the caller's: until then nobody else can have its number.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    os.close(held)


def of_user(uid: int) -> Iterator[tuple[int, int]]:
    """Process id and resident bytes of each process of a user, without those that only wait for their parent.

    By the status file's content: the owner of /proc/PID is root for a process that made itself not dumpable.
    """
    for pid, status in _statuses(uid):
        if not status["State"].startswith("Z"):
            yield pid, int(status.get("VmRSS", "0 kB").split()[0]) * 1024


def memory_of_user(uid: int) -> int:
    """Resident bytes of all processes of a user."""
    return sum(resident for _, resident in of_user(uid))


def sees_open_files() -> bool:
    """Whether this process may look at what other users' processes hold open (CAP_SYS_PTRACE, proc_pid_fd(5))."""
    return bool(int(_fields(_status(os.getpid()))["CapEff"], 16) >> _CAP_SYS_PTRACE & 1)


def free_memory() -> int:
    """Bytes that programs of this machine can still take without swapping (proc_meminfo(5))."""
    with open(_MEMORY, encoding="ascii") as lines:  # noqa: PTH123 - twice a second
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def nameless_files_of_user(uid: int) -> int:
    """Bytes on disk of files that a user's processes hold open and that have no name any more.

    There are none to be seen unless `sees_open_files`.
    """
    files: dict[tuple[int, int], int] = {}
    for pid, _ in of_user(uid):
        with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
            for descriptor in descriptors:
                with contextlib.suppress(OSError):
                    found = descriptor.stat()
                    if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                        files[found.st_dev, found.st_ino] = found.st_blocks * _BLOCK_BYTES
    return sum(files.values())


def kill_user(uid: int) -> None:
    """End every process of a user, and return when none is left.

    ``kill(-1)`` by that user reaches all of its processes at once, so a process that forks faster than a list of them
    can be made does not get away.

    Raises
    ------
    UnkillableError
        Some are left after ten seconds.
    """
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while next(of_user(uid), None) is not None:
        if time.monotonic() > deadline:
            raise UnkillableError(f"processes of user {uid} do not end")
        child = os.fork()
        if child == 0:
            _kill_all_as(uid)
        _reap(child)
        time.sleep(0.005)


def reap_user(uid: int) -> None:
    """Collect a user's ended processes that lost their parent and are this process's children now (see `harden`).

    Until then they count against the user's limit on processes: the next step that runs as this user could start none.
    """
    for pid, status in _statuses(uid):
        if int(status["PPid"]) == os.getpid():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _kill_all_as(uid: int) -> None:
    try:
        os.setresuid(uid, uid, uid)
        os.kill(-1, signal.SIGKILL)
    finally:
        os._exit(0)


def _reap(child: int) -> None:
    # Those it is to end may stop it first, being the same user: root ends it, and the next round begins.
    deadline = time.monotonic() + _ROUND_SECONDS
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
        time.sleep(0.001)


def kill_descendants_unless_root() -> None:
    """End every descendant of this process, when a builder without root has nothing of its own running.

    Processes that lost their parent have become children of this one (see `harden`). With root, each step's user has
    been emptied by `kill_user`, which misses nothing; this would.
    """
    if os.geteuid() == 0:
        return
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while descendants := _descendants(os.getpid()):
        if time.monotonic() > deadline:
            raise UnkillableError("processes that a sandboxed step started do not end")
        for pid in descendants:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)


def _descendants(ancestor: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid in _all():
        with contextlib.suppress(OSError, KeyError, ValueError):
            children.setdefault(int(_fields(_status(pid))["PPid"]), []).append(pid)
    found: list[int] = []
    pending = [ancestor]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def _all() -> Iterator[int]:
    yield from (int(name) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208 - hot


def _statuses(uid: int) -> Iterator[tuple[int, dict[str, str]]]:
    """Process id and status of each process of a user, ended ones that nobody has collected included."""
    if not _has_processes(uid):
        return
    for pid in _all():
        with contextlib.suppress(OSError, KeyError, ValueError):
            status = _status(pid)
            if uid in _uids(status):
                yield pid, _fields(status)


def _has_processes(uid: int) -> bool:
    """Whether a user has any, by one system call: most often there are none, and reading all of /proc takes longest.

    By the real user id, which nobody unprivileged can change; ended ones that nobody has collected included
    (https://man7.org/linux/man-pages/man2/getpriority.2.html).
    """
    try:
        os.getpriority(os.PRIO_USER, uid)
    except ProcessLookupError:
        return False
    return True


def _status(pid: int) -> bytes:
    """/proc/PID/status (proc_pid_status(5)), which comes in one piece."""
    file = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 65_536)
    finally:
        os.close(file)


def _uids(status: bytes) -> list[int]:
    """Real, effective, saved and file system user id: without taking the rest apart, as this is asked of everyone."""
    begin = status.index(b"\nUid:\t") + 6
    return [int(uid) for uid in status[begin : status.index(b"\n", begin)].split()]


def _fields(status: bytes) -> dict[str, str]:
    """Parse /proc/PID/status. The name comes first and has its newlines escaped."""
    lines = (line.partition(":") for line in status.decode(errors="replace").split("\n"))
    return {name: value.strip() for name, _, value in lines}
