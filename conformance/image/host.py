"""Run a command as CodeBuild's default build host does: ``python -m conformance.image.host [--root FOLDER] COMMAND …``.

That host has Linux 4.14 and gives a build docker's default capabilities and docker's default filter of system calls.
What is newer or not allowed there is answered here as there; the rest is this machine's. Needs root. With ``--root``
the command sees FOLDER as its file system, in namespaces of its own for mounts, processes and shared memory.

Sources: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of v4.14; docker's
oci/caps/defaults.go and profiles/seccomp/default_linux.go (github.com/moby/moby).
"""

import argparse
import ctypes
import errno
import os
import platform
import sys
from pathlib import Path
from typing import Any, Final

from builder.sandbox import bpf
from builder.sandbox.syscall_filter import NEW_NAMESPACES

_FIRST_NEWER: Final = {"x86_64": 333, "aarch64": 292}
"""First number after Linux 4.14's last system call, which is statx on both."""
_NOT_IN_DOCKER: Final = ("unshare", "setns", "mount", "umount2", "pivot_root", "add_key", "request_key", "keyctl")
_CAPABILITIES: Final = {
    **{"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8},
    **{"NET_BIND_SERVICE": 10, "NET_RAW": 13, "SYS_CHROOT": 18, "MKNOD": 27, "AUDIT_WRITE": 29, "SETFCAP": 31},
}
"""Docker's default (linux/capability.h)."""

_PR_SET_SECCOMP: Final = 22  # linux/prctl.h
_PR_CAPBSET_READ: Final = 23
_PR_CAPBSET_DROP: Final = 24
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_SECCOMP_MODE_FILTER: Final = 2  # linux/seccomp.h
_CLONE_NEWNS: Final = 0x00020000  # linux/sched.h
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWPID: Final = 0x20000000
_MS_REC_PRIVATE: Final = 0x4000 | 1 << 18  # linux/mount.h
_MS_BIND: Final = 0x1000
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """struct sock_fprog (linux/filter.h)."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m conformance.image.host")
    parser.add_argument("--root", type=Path, help="folder that the command sees as its file system")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    if chosen.root is not None:
        _call(_libc.unshare, _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWPID)
        # The first child of a namespace for processes is its process 1: when it ends, so does all that it started.
        child = os.fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _enter(chosen.root)
    _become_a_container()
    os.environ.pop("PYTHONPATH", None)
    os.execvp(chosen.command[0], chosen.command)  # noqa: S606 - the caller's command is the purpose


def _enter(root: Path) -> None:
    """Make ``root`` the file system, with what a container has in it."""
    _mount(None, Path("/"), None, _MS_REC_PRIVATE)
    _mount("tmpfs", root / "dev", "tmpfs")
    for name in _DEVICES:
        (root / "dev" / name).touch()
        _mount(f"/dev/{name}", root / "dev" / name, None, _MS_BIND)
    (root / "dev" / "shm").mkdir()
    _mount("tmpfs", root / "dev" / "shm", "tmpfs")
    (root / "dev" / "shm").chmod(0o1777)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (root / "dev" / name).symlink_to(f"/proc/self/{target}")
    _mount("proc", root / "proc", "proc")
    # Users are the machine's: builders note there which of them are taken.
    (root / "run" / "lock").mkdir(exist_ok=True)
    _mount("/run/lock", root / "run" / "lock", None, _MS_BIND)
    os.chroot(root)
    os.chdir("/")


def _become_a_container() -> None:
    instructions = bpf.begin(platform.machine())
    numbers = bpf.NUMBERS[platform.machine()]
    instructions += bpf.refuse_from(_FIRST_NEWER[platform.machine()], errno.ENOSYS)
    for name in _NOT_IN_DOCKER:
        instructions += bpf.refuse(numbers[name], errno.EPERM)
    instructions += bpf.refuse_when_first_argument_has(numbers["clone"], NEW_NAMESPACES, errno.EPERM)
    content = bpf.pack(instructions)
    program = _Program(len(content) // 8, content)
    _call(_libc.prctl, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    _call(_libc.prctl, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    # What root may still get by executing a program is what the bounding set leaves.
    number = 0
    while _libc.prctl(_PR_CAPBSET_READ, number, 0, 0, 0) >= 0:
        if number not in _CAPABILITIES.values():
            _call(_libc.prctl, _PR_CAPBSET_DROP, number, 0, 0, 0)
        number += 1


def _mount(source: str | None, target: Path, kind: str | None, flags: int = 0) -> None:
    encoded = [None if text is None else text.encode() for text in (source, str(target), kind)]
    _call(_libc.mount, *encoded, ctypes.c_ulong(flags), None)


def _call(function: Any, *arguments: Any) -> None:
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function.__name__}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
