"""A fresh machine: an empty home, no cache, and the wheel of `blue` in an environment of its own, as pipx makes it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_INDEX_VARIABLES: Final = ("PIP_", "UV_", "SSL_CERT_", "HTTP", "NO_PROXY")
_GIVE_UP_SECONDS: Final = 600


class StepFailedError(Exception):
    """A command did not do what it should; the text is what it wrote."""


class Machine:
    """A user who has installed the wheel."""

    def __init__(self, home: Path, wheel: Path) -> None:
        self.home = home
        mine = {name: value for name, value in os.environ.items() if name.upper().startswith(_INDEX_VARIABLES)}
        mine.pop("UV_CACHE_DIR", None)
        tools = home / "tool"
        self._environment = mine | {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": f"{tools / 'bin'}:/usr/bin:/bin",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        base = sys._base_executable  # type: ignore[attr-defined]
        self.run(base, "-m", "venv", str(tools))
        self.run(str(tools / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel))

    def run(self, *command: str, folder: str = ".") -> str:
        """Run a command to its end; returns what it wrote to stdout.

        Raises
        ------
        StepFailedError
            Its exit code is not 0.
        """
        done = subprocess.run(
            command, cwd=self.home / folder, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StepFailedError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    @contextlib.contextmanager
    def up(self, port: int) -> Iterator[float]:
        """Run `blue up` in a terminal of its own; gives how many seconds it took until the cloud was ready.

        Raises
        ------
        StepFailedError
            It has ended, or says nothing.
        """
        began = time.monotonic()
        process = subprocess.Popen(
            [self._which("blue"), "up", "--port", str(port)],
            cwd=self.home,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines: list[str] = []
        ready = threading.Event()
        reader = threading.Thread(target=_read, args=(process, lines, ready), daemon=True)
        reader.start()
        try:
            ready.wait(_GIVE_UP_SECONDS)
            if not any("is ready at" in line for line in lines):
                raise StepFailedError(f"blue up: {''.join(lines)}")
            yield time.monotonic() - began
        finally:
            process.send_signal(signal.SIGINT)
            if process.wait(60) != 0:
                raise StepFailedError(f"blue up ended with {process.returncode}: {''.join(lines)}")

    def size(self) -> str:
        """Return how much is on disk for the cloud."""
        done = subprocess.run(
            ["du", "-sm", ".local/share/blue-faas"], cwd=self.home, capture_output=True, text=True, check=True
        )
        return f"{done.stdout.split()[0]} MB"

    def _which(self, name: str) -> str:
        return str(shutil.which(name, path=self._environment["PATH"]))


def _read(process: "subprocess.Popen[str]", lines: list[str], ready: threading.Event) -> None:
    assert process.stdout is not None  # noqa: S101  # a pipe
    for line in process.stdout:
        lines.append(line)
        if "is ready at" in line:
            ready.set()
    ready.set()
