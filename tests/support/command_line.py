"""The command ``blue`` as a person runs it: in a process of its own, with a terminal or without."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.client import PATIENCE, ROOT

COMMAND = (sys.executable, "-m", "blue_faas_cli")


def environment(home: Path, **variables: str) -> dict[str, str]:
    """The variables of a person without settings."""
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'cli' / 'src'}",
        **variables,
    }


def run(folder: Path, variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command without a terminal."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=dict(variables), capture_output=True, text=True, check=False
    )


class Terminal:
    """A command that runs in a terminal."""

    def __init__(self, folder: Path, variables: Mapping[str, str], *arguments: str) -> None:
        self._master, side = pty.openpty()
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env={**variables, "TERM": "xterm", "COLUMNS": "200"},
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(side)
        self.text = ""

    def until(self, wanted: str) -> None:
        """Read until a text has appeared on the screen."""
        while wanted not in self.text:
            assert self._read(), self.text

    def type(self, text: str) -> None:
        """Press keys; Ctrl-C is ``\\x03``."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        while self._read():
            pass
        os.close(self._master)
        return self._process.wait(PATIENCE)

    def hang_up(self) -> None:
        """Close the terminal's window, and wait for the command to end."""
        os.close(self._master)
        self._process.wait(PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], PATIENCE)
        assert ready, f"nothing more came after: {self.text}"
        try:
            read = os.read(self._master, 65_536)
        except OSError:  # EIO: the other side is closed
            return False
        self.text += read.decode(errors="replace")
        return bool(read)


def _take_terminal() -> None:
    """Make the terminal the one that Ctrl-C is typed at (tty_ioctl(4), TIOCSCTTY).

    A shell's background job, and all that it starts, ignores Ctrl-C; what a person starts in a terminal does not.
    """
    import fcntl
    import signal
    import termios

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
