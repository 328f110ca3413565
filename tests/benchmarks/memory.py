"""How much memory the processes of a build have, watched from outside."""

import contextlib
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

_PROC: Final = Path("/proc")
_INTERVAL_SECONDS: Final = 0.02


class Watch:
    """Looks at some processes and all below them, while it is open.

    Shared pages count for each process by its share (PSS): what two processes map from one file is there once. Each
    look takes a millisecond or two for each process.
    """

    def __init__(self, is_root: Callable[[int], bool], interval_seconds: float = _INTERVAL_SECONDS) -> None:
        self._is_root = is_root
        self._interval_seconds = interval_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.peak = 0.0
        """Megabytes."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(self._interval_seconds):
            self.peak = max(self.peak, sum(map(megabytes, below(self._is_root))))


def runs_module(name: str) -> Callable[[int], bool]:
    """Return whether this interpreter runs a module in a process."""
    words = [sys.executable.encode(), b"-m", name.encode()]
    return lambda pid: (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")[:3] == words


def below(is_root: Callable[[int], bool]) -> list[int]:
    """Return these processes and all below them, as they are now."""
    children = defaultdict(list)
    roots = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                pid, status = int(entry.name), (entry / "stat").read_text()
                children[int(status.rpartition(")")[2].split()[1])].append(pid)
                if is_root(pid):
                    roots.append(pid)
    found, pending = [], roots
    while pending:
        pid = pending.pop()
        found.append(pid)
        pending += children[pid]
    return list(dict.fromkeys(found))


def megabytes(pid: int) -> float:
    """Return a process's memory, shared pages by its share; 0 of one that is gone."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0
