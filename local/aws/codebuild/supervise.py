"""Runs one build's shell in a process of its own, and leaves nothing of it behind.

`shell.ShellSession` starts ``python -I -S supervise.py COMMANDS_FD RESULTS_FD GRACE``. This process adopts
every orphan of the build (Linux subreaper), so that even a process that moved to a session of its own is found when
the build ends, is stopped (SIGTERM to this process) or when the one-machine cloud itself dies. Only a few modules of
the standard library, to start in some 20 ms: pathlib alone would double that.
"""

# ruff: noqa: PTH123, PTH208

import ctypes
import os
import signal
import sys
import time

LOOP = (
    # Commands see neither the file descriptor they come from nor the one that their status goes to.
    'while IFS= read -r __file <&4; do . "$__file" 3>&- 4<&-; printf "%s\\n" "$?" >&3; done'
)
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class _Stopped(Exception):  # noqa: N818 - not an error: the request to stop
    """SIGTERM arrived."""


def _prctl() -> None:
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _start_shell(commands_fd: int, results_fd: int) -> int:
    pid = os.fork()
    if pid:
        os.close(commands_fd)
        os.close(results_fd)
        return pid
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Above 4 first: either of the two may already sit on 3 or 4.
    commands_copy, results_copy = _dup_high(commands_fd), _dup_high(results_fd)
    os.dup2(results_copy, 3)
    os.dup2(commands_copy, 4)
    for fd in {commands_fd, results_fd, commands_copy, results_copy} - {3, 4}:
        os.close(fd)
    try:
        os.execvp("sh", ["sh", "-c", LOOP])  # noqa: S606 - the one on the build's PATH
    except OSError as error:
        sys.stderr.write(f"cannot start sh: {error.strerror}\n")
        os._exit(127)


def _dup_high(fd: int) -> int:
    held = []
    copy = os.dup(fd)
    while copy < 5:
        held.append(copy)
        copy = os.dup(fd)
    for low in held:
        os.close(low)
    return copy


def _descendants() -> list[int]:
    """Every live process below this one. Orphans are its children: without any, there are none at all."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return []
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", errors="replace") as stat:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    queue = [os.getpid()]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _signal_all(number: signal.Signals) -> bool:
    """Signal every descendant; False when there is none (left) that can be signalled."""
    signalled = False
    for pid in _descendants():
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
        signalled = True
    return signalled


def _reap() -> None:
    """Collect every child that has ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _clear(grace: float) -> None:
    """End everything below this process: TERM (when there is any grace), then KILL until nothing is left."""
    if grace and _signal_all(signal.SIGTERM):
        deadline = time.monotonic() + grace
        while _descendants() and time.monotonic() < deadline:
            _reap()
            time.sleep(0.01)
    while _signal_all(signal.SIGKILL):
        _reap()
        time.sleep(0.005)


def _raise_stopped(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


def main(commands_fd: int, results_fd: int, grace: float) -> int:
    """Run until the shell ends or SIGTERM arrives; returns the shell's exit status, as a shell reports it."""
    status = None
    try:
        signal.signal(signal.SIGTERM, _raise_stopped)  # before there is anything that would outlive this process
        _prctl()
        shell = _start_shell(commands_fd, results_fd)
        while status is None:
            pid, ended = os.waitpid(-1, 0)
            if pid == shell:
                status = ended
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except _Stopped:
        _clear(grace)
        return 128 + signal.SIGTERM
    _clear(0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
