"""A tool's output: passed on to the log line by line, its end kept for the report, the rest dropped.

A tool may print a gigabyte, or one line of a gigabyte: neither may fill memory, disk or log.
"""

import os
from collections.abc import Callable
from typing import Final

_TAIL_BYTES: Final = 256 * 1024
_LINE_BYTES: Final = 4096


class Output:
    """Takes raw bytes; gives lines to ``on_line`` until ``log_bytes`` are reached."""

    def __init__(self, on_line: Callable[[str], None], log_bytes: int) -> None:
        self._on_line = on_line
        self._log_left = log_bytes
        self._line = bytearray()
        self._tail = bytearray()

    @property
    def tail(self) -> str:
        """The end of the output, at most 256 KiB."""
        return self._tail[-_TAIL_BYTES:].decode("utf-8", "replace")

    def read(self, descriptor: int, size: int) -> bool:
        """Take what there is to read, up to ``size`` bytes; False at the end of the output."""
        try:
            data = os.read(descriptor, size)
        except BlockingIOError:
            return True
        self.feed(data)
        return bool(data)

    def drain(self, descriptor: int) -> None:
        """Take what is left in a pipe whose writers have ended."""
        os.set_blocking(descriptor, False)
        while True:
            try:
                data = os.read(descriptor, 65_536)
            except BlockingIOError:
                return
            if not data:
                return
            self.feed(data)

    def feed(self, data: bytes) -> None:
        """Keep the end of the output, and write whole lines to the log while it has room."""
        self._tail += data
        if len(self._tail) > 2 * _TAIL_BYTES:
            del self._tail[:-_TAIL_BYTES]
        if self._log_left <= 0:
            return
        *complete, rest = data.split(b"\n")
        for part in complete:
            self._emit(bytes(self._line) + part)
            self._line.clear()
        self._line += rest
        while len(self._line) > _LINE_BYTES:
            self._emit(bytes(self._line[:_LINE_BYTES]))
            del self._line[:_LINE_BYTES]

    def finish(self) -> None:
        """Pass on a last line that does not end."""
        if self._line and self._log_left > 0:
            self._emit(bytes(self._line))
        self._line.clear()

    def _emit(self, line: bytes) -> None:
        if self._log_left <= 0:
            return
        self._log_left -= len(line) + 1
        self._on_line(line[:_LINE_BYTES].decode("utf-8", "replace"))
        if self._log_left <= 0:
            self._on_line("(more output than the log takes: the rest is left out)")
