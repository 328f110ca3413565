"""Becomes the sandboxed command: gives up the network, root and the right to get it back, then executes.

A program of its own (run by path, with `python -I -S`), not a ``preexec_fn``: the builder has threads, and Python code
between fork and exec in a process with threads can deadlock. Reads its orders as JSON from argv, so that nothing but
the command's own environment is in the environment. Standard library only.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWIPC = 0x08000000  # linux/sched.h
_CLONE_NEWNET = 0x40000000


def main() -> None:
    """Never returns: executes the command, or ends with 126 and a line on standard error."""
    orders = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    # The kernel ends this process first when memory runs out, not the builder.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("1000")
    if orders["uid"] is not None:
        # A network of its own is one without interfaces. Where the container may not do this, the step keeps its
        # network; everything else holds.
        libc.unshare(_CLONE_NEWIPC | (0 if orders["network"] else _CLONE_NEWNET))
    os.chdir(orders["folder"])
    os.umask(0o022)
    for name, limit in orders["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    if orders["uid"] is not None:
        os.setgroups([])
        os.setresgid(orders["uid"], orders["uid"], orders["uid"])
        os.setresuid(orders["uid"], orders["uid"], orders["uid"])
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot set no_new_privs")
    # Set after the change of user, which clears it.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores these, and exec would hand that on
    os.execve(orders["command"][0], orders["command"], orders["environment"])  # noqa: S606


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        print(f"cannot start the sandboxed command: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(126)
