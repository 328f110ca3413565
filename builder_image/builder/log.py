"""The build log: what an operator reads in CodeBuild's console. Steps with durations, and the tools' own output."""

import contextlib
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Final, TextIO

_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def printable(text: str) -> str:
    """``text`` without terminal escapes and control characters (tabs and newlines stay)."""
    return _CONTROL.sub("", text)


class BuildLog:
    """Writes whole lines, from any thread, and keeps each step's duration for the report."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self.durations: dict[str, float] = {}

    def line(self, text: str, source: str | None = None) -> None:
        """One line; ``source`` names the tool whose output it is, so that nobody takes it for the builder's word."""
        prefix = f"{source} | " if source else ""
        with self._lock:
            self._stream.write(f"{prefix}{printable(text)}\n")
            self._stream.flush()

    @contextlib.contextmanager
    def step(self, name: str, title: str) -> Iterator[None]:
        """Time a step: ``name`` is its key in the report, ``title`` what the log says."""
        self.line(f"[{self._elapsed():7.2f}s] {title}")
        started = time.monotonic()
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            seconds = time.monotonic() - started
            self.durations[name] = round(seconds, 3)
            self.line(f"[{self._elapsed():7.2f}s] {title}: {outcome} in {seconds:.2f}s")

    def finish(self) -> None:
        """Record the whole build's duration."""
        self.durations["total"] = round(self._elapsed(), 3)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started
