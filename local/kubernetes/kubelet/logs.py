"""What functions print: one bounded file per container run, in the CRI format that kubelets keep.

A line is ``2026-01-02T03:04:05.123456789Z stdout F text``; `kubectl logs` shows the text, with ``--timestamps`` the
first column too.
"""

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MOST_BYTES = 4 << 20


class LogFile:
    """The log of one container run. Keeps at least the last half of `MOST_BYTES`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab")

    def write(self, stream: str, line: bytes) -> None:
        """Append one line of ``stdout`` or ``stderr``."""
        self._file.write(f"{_now()} {stream} F ".encode() + line.rstrip(b"\r\n") + b"\n")
        self._file.flush()
        if self._file.tell() > MOST_BYTES:
            self._shrink()

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def _shrink(self) -> None:
        self._file.close()
        kept = self._path.read_bytes()[-MOST_BYTES // 2 :]
        draft = self._path.with_suffix(".shrink")
        draft.write_bytes(kept[kept.find(b"\n") + 1 :])
        draft.replace(self._path)
        self._file = self._path.open("ab")


def _now() -> str:
    nanoseconds = time.time_ns()
    stamp = datetime.fromtimestamp(nanoseconds // 10**9, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09d}Z"


class LogFolder:
    """Where the logs of all pods are: ``{namespace}_{pod}_{uid}/{container}/{restart}.log``, as on a node."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, namespace: str, pod: str, uid: str, container: str, run: int) -> LogFile:
        """Open the log of a container's run number ``run`` (its restart count)."""
        folder = self._pod_folder(namespace, pod, uid) / container
        for old in folder.glob("*.log"):
            if int(old.stem) < run - 1:  # the present run and the one before it, as a kubelet keeps them
                old.unlink(missing_ok=True)
        return LogFile(folder / f"{run}.log")

    def remove(self, namespace: str, pod: str, uid: str) -> None:
        """Drop the logs of a pod that is gone."""
        shutil.rmtree(self._pod_folder(namespace, pod, uid), ignore_errors=True)

    def path(self, namespace: str, pod: str, uid: str, container: str, *, previous: bool = False) -> Path | None:
        """Return the log file of the present or the previous run; None when there is none."""
        folder = self._pod_folder(namespace, pod, uid) / container
        runs = sorted(folder.glob("*.log"), key=lambda path: int(path.stem), reverse=True)
        index = 1 if previous else 0
        return runs[index] if index < len(runs) else None

    def _pod_folder(self, namespace: str, pod: str, uid: str) -> Path:
        return self._root / f"{namespace}_{pod}_{uid}"


@dataclass(frozen=True)
class LogLine:
    """One line as kept: when, and what."""

    stamp: str
    text: str


def parse_line(raw: str) -> LogLine:
    """Take a kept line apart."""
    stamp, _, rest = raw.rstrip("\n").partition(" ")
    return LogLine(stamp, rest.split(" ", 2)[2] if rest.count(" ") >= 2 else "")
