"""The build log: what an operator reads in CodeBuild's console. Steps with durations, and the tools' own output."""

import contextlib
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TextIO

from functions.contracts.task import BUILD_STEPS, BuildStep

_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_REMEMBERED_LINES: Final = 1000
"""Lines of tools that are not written a second time. More than an error quotes."""


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Remove terminal escapes and control characters; tabs and newlines stay.

    A file name that is not UTF-8 reaches Python with surrogates in it (PEP 383), which no report and no log can hold:
    they are shown as ``\xff``.
    """
    return _SURROGATE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", _CONTROL.sub("", text))


@dataclass(frozen=True, slots=True)
class RunningStep:
    """A step that has begun and not ended."""

    name: BuildStep
    title: str
    started: float
    """On the monotonic clock, in seconds."""

    def seconds(self) -> float:
        """Return how long it has been running."""
        return time.monotonic() - self.started


class BuildLog:
    """Writes whole lines, from any thread, and keeps each step's duration for the report.

    CloudWatch Logs has the time of each line.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._of_tools: deque[str] = deque(maxlen=_REMEMBERED_LINES)
        self._running: dict[BuildStep, RunningStep] = {}
        self._durations: dict[str, float] = {}

    @property
    def durations(self) -> Mapping[str, float]:
        """Seconds by step, of steps that have ended."""
        return self._durations

    def line(self, text: str, source: str | None = None) -> None:
        """Write one line.

        Parameters
        ----------
        text
            Line breaks in it are written as blanks: what an uploader says must not look like a line of the builder's.
        source
            The tool whose output it is.
        """
        prefix = f"{source} | " if source else ""
        words = " ".join(printable(text).splitlines())
        with self._lock:
            self._stream.write(f"{prefix}{words}\n")
            self._stream.flush()
            if source:
                self._of_tools.append(words.strip())

    def lines(self, text: str, source: str) -> None:
        """Write a text of several lines, each under the name of its source."""
        for line in text.splitlines():
            self.line(line, source)

    def error(self, text: str) -> None:
        """Write the error that ends the build, without the lines that a tool has written into this log before."""
        with self._lock:
            written = set(self._of_tools)
        for line in text.splitlines():
            if line.strip() not in written:
                self.line(line, source="error")

    @contextlib.contextmanager
    def step(self, name: BuildStep, title: str) -> Iterator[None]:
        """Time a step: ``name`` is its key in the report, ``title`` what the log says."""
        self.line(title)
        step = RunningStep(name, title, time.monotonic())
        with self._lock:
            self._running[name] = step
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            seconds = step.seconds()
            with self._lock:
                del self._running[name]
                self._durations[name] = round(seconds, 3)
            self.line(f"{title}: {outcome} in {seconds:.2f}s")

    def running(self) -> list[RunningStep]:
        """Return the steps that run now, in the order of a build."""
        with self._lock:
            return sorted(self._running.values(), key=lambda step: BUILD_STEPS.index(step.name))

    def finish(self) -> None:
        """Record the whole build's duration."""
        self._durations["total"] = round(time.monotonic() - self._started, 3)
