"""The build log: what an operator reads in CodeBuild's console. Steps with durations, and the tools' own output."""

import contextlib
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Final, TextIO

_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Remove terminal escapes and control characters; tabs and newlines stay.

    A file name that is not UTF-8 reaches Python with surrogates in it (PEP 383), which no report and no log can hold:
    they are shown as ``\xff``.
    """
    return _SURROGATE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", _CONTROL.sub("", text))


class BuildLog:
    """Writes whole lines, from any thread, and keeps each step's duration for the report."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self.durations: dict[str, float] = {}

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
        with self._lock:
            self._stream.write(f"{prefix}{' '.join(printable(text).splitlines())}\n")
            self._stream.flush()

    def lines(self, text: str, source: str) -> None:
        """Write a text of several lines, each under the name of its source."""
        for line in text.splitlines():
            self.line(line, source)

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
