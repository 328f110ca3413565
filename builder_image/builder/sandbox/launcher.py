"""Becomes the sandboxed command: gives up the network, root and the right to get it back, then executes.

A program of its own (run by path, with `python -I -S`), not a ``preexec_fn``: the builder has threads, and Python code
between fork and exec in a process with threads can deadlock. Reads its orders as JSON from standard input: every user
may read a process's arguments, and the environment is the command's own. Standard library only.
"""

import contextlib
import ctypes
import errno
import json
import os
import resource
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2  # linux/seccomp.h
_CLONE_NEWIPC = 0x08000000  # linux/sched.h
_CLONE_NEWNET = 0x40000000
_INSTRUCTION_BYTES = 8


class _Program(ctypes.Structure):
    """struct sock_fprog (linux/filter.h)."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def main() -> None:
    """Never returns: executes the command, or raises `OSError` when something cannot be given up."""
    orders = json.load(sys.stdin.buffer)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    libc = ctypes.CDLL(None, use_errno=True)
    # The kernel ends this process first when memory runs out, not the builder.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("1000")
    if orders["uid"] is not None:
        _leave_namespaces(libc, network=orders["network"])
    os.chdir(orders["folder"])
    os.umask(0o022)
    for name, limit in orders["limits"].items():
        number = getattr(resource, name)
        most = resource.getrlimit(number)[1]  # of the container: raising it takes a capability
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(number, (limit, limit))
    if orders["uid"] is not None:
        os.setgroups([])
        os.setresgid(orders["uid"], orders["uid"], orders["uid"])
        os.setresuid(orders["uid"], orders["uid"], orders["uid"])
    _call(libc.prctl, _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Set after the change of user, which clears it.
    _call(libc.prctl, _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores these, and exec would hand that on
    _filter(libc, bytes.fromhex(orders["filter"]))
    os.execve(orders["command"][0], orders["command"], orders["environment"])  # noqa: S606


def _leave_namespaces(libc: ctypes.CDLL, *, network: bool) -> None:
    """Take a network namespace, which has no interfaces, and one for shared memory, where the container allows it."""
    if libc.unshare(_CLONE_NEWIPC | (0 if network else _CLONE_NEWNET)) == 0:
        return
    # Docker's default, and CodeBuild's without privileged mode: no capability for it. The filter cuts the network too.
    if ctypes.get_errno() != errno.EPERM:
        raise OSError(ctypes.get_errno(), "cannot leave the network namespace")


def _filter(libc: ctypes.CDLL, instructions: bytes) -> None:
    """Have the kernel refuse system calls from here on (`builder.sandbox.syscall_filter`)."""
    program = _Program(len(instructions) // _INSTRUCTION_BYTES, instructions)
    _call(libc.prctl, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def _call(function: Any, *arguments: Any) -> None:
    if function(*arguments):
        raise OSError(ctypes.get_errno(), "cannot confine this step")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        print(f"cannot start the sandboxed command: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(126)
