"""Child processes of the one-machine cloud: started in groups of their own, watched, stopped with all they started."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Final

from local.cloud.parents import die_with_parent

WORKING_SECONDS: Final = 0.2
"""CPU time that tells work from waiting: a part that is up and idle takes less of it in half a minute."""


class PartFailedError(Exception):
    """A part ended or did not get ready; the text has the end of its log."""


class Part:
    """One process, its output in ``log``."""

    def __init__(self, name: str, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops the parts in order
                preexec_fn=partial(die_with_parent, signal.SIGTERM),
            )

    def wait_until(self, ready: Callable[[], bool], seconds: float, needs: Sequence["Part"] = ()) -> None:
        """Wait until ``ready()``: as long as the process works at it, however little of the machine it gets.

        Parameters
        ----------
        seconds
            How long it may do next to nothing.
        needs
            Parts that it waits for: what they do counts too.

        Raises
        ------
        PartFailedError
            The process ended before, or stands still.
        """
        parts = (self, *needs)
        worked, deadline = sum(part.worked for part in parts), time.monotonic() + seconds
        while not ready():
            if (code := self._process.poll()) is not None:
                raise PartFailedError(f"{self.name} ended with exit code {code}:\n{self.last_lines()}")
            if (now := sum(part.worked for part in parts)) - worked >= WORKING_SECONDS:
                worked, deadline = now, time.monotonic() + seconds
            if time.monotonic() > deadline:
                raise PartFailedError(f"{self.name} does nothing for {seconds:.0f} s:\n{self.last_lines()}")
            time.sleep(0.02)

    @property
    def worked(self) -> float:
        """CPU seconds of the process and of the children that it has waited for (proc(5), /proc/[pid]/stat)."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    @property
    def pid(self) -> int:
        """Of the process, which leads a group of its own."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def stop(self, seconds: float = 15) -> None:
        """SIGTERM, then SIGKILL to the whole group."""
        if self.running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def last_lines(self, count: int = 15) -> str:
        """End of the part's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


def free_port() -> int:
    """Find a port of 127.0.0.1 that nobody listens on now, for a part that binds it a while later.

    The kernel's own choice would not do: it is one of those that every outgoing connection of the machine takes from
    (Linux: 32768 and above, ip(7) ip_local_port_range), and is gone with the next one.
    """
    while True:
        port = random.randrange(20_000, 32_768)  # noqa: S311 - no secret
        if port_is_free(port):
            return port


def port_is_free(port: int) -> bool:
    """Whether this process could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(port: int, path: str) -> bool:
    """Tell whether a GET of ``path`` on a port of 127.0.0.1 is answered with 200."""
    # Asked many times while parts start: httpx would load every CA certificate of the machine each time.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
