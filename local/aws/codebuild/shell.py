"""One shell that runs a build's commands, one after the other, as buildspec version 0.2 asks (Linux only).

The shell waits on a pipe for the path of a command file, sources it, and answers with its exit status on a second
pipe: variables and the working folder last from command to command, and everything a command printed is read before
its status is acted on, so that the log has its lines in order.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

SUPERVISE: Final = Path(__file__).with_name("supervise.py")
STOP_GRACE_SECONDS: Final = 3.0
"""Time between TERM and KILL when a build is stopped."""
MAX_LINE_BYTES: Final = 64 * 1024
"""A longer line is cut into events of this size (CloudWatch Logs takes 256 KB an event)."""


class ShellExitedError(Exception):
    """A command ended the shell itself (``exit``, a syntax error, a signal)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the shell ended with status {status}")
        self.status = status


class ShellSession:
    """A running shell. Not for more than one thread, except `terminate`."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, commands: Path, emit: Callable[[str], None]
    ) -> None:
        self._emit = emit
        self._commands = commands
        self._count = len(list(commands.iterdir()))
        self._buffer = b""
        self._busy = False
        commands_read, self._commands_write = os.pipe()
        self._results_read, results_write = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", SUPERVISE),
                    *(str(commands_read), str(results_write), str(STOP_GRACE_SECONDS)),
                ],
                env=dict(environment),
                cwd=folder,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(commands_read, results_write),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._commands_write)
            os.close(self._results_read)
            raise
        finally:
            os.close(commands_read)
            os.close(results_write)
        assert self._process.stdout is not None  # noqa: S101 - PIPE was asked for
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._selector.register(self._results_read, selectors.EVENT_READ)

    def run(self, command: str) -> int:
        """Run ``command`` and return its exit status. Raises `ShellExitedError` when the shell ends with it."""
        path = self._commands / f"{self._count}.sh"
        self._count += 1
        path.write_text(command + "\n", encoding="utf-8")
        self._busy = True
        # A shell that has gone away shows itself as the end of the results below.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._commands_write, f"{path}\n".encode())
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._output:
                    if not self._read():  # readable and nothing there: nobody holds the other end any more
                        self._selector.unregister(self._output)
                    continue
                # A status is a few bytes, written at once: never a part of one.
                status = os.read(self._results_read, 64)
                if not status:
                    code = self._process.wait()
                    self._busy = False
                    self._drain()
                    raise ShellExitedError(code)
                self._drain()
                self._busy = False
                return int(status)

    def terminate(self) -> None:
        """Ask the build to end: TERM to all of its processes, KILL after `STOP_GRACE_SECONDS`. Any thread."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End the shell and whatever the commands left running; returns when no process of the build is left."""
        if self._busy:
            self.terminate()
        os.close(self._commands_write)
        self._process.wait()
        self._drain()
        self._selector.close()
        os.close(self._results_read)
        self._output.close()

    def _read(self) -> bool:
        """Pass on one chunk of output, as far as its last whole line. False when there is nothing (more) to read."""
        try:
            chunk = os.read(self._output.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            self._emit_line(line)
        if len(self._buffer) > MAX_LINE_BYTES:
            self._emit_line(self._buffer)
            self._buffer = b""
        return bool(chunk)

    def _drain(self) -> None:
        """Pass on everything that is in the pipe now, an unfinished line included."""
        while self._read():
            pass
        if self._buffer:
            self._emit_line(self._buffer)
            self._buffer = b""

    def _emit_line(self, line: bytes) -> None:
        for start in range(0, max(len(line), 1), MAX_LINE_BYTES):
            self._emit(line[start : start + MAX_LINE_BYTES].decode("utf-8", "replace"))
