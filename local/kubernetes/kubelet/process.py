"""One function process: start, find out where it listens, keep its output, stop it."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.kubernetes.kubelet.leftovers import forget_process, record_process
from local.kubernetes.kubelet.logs import LogFile

REPOSITORY_ROOT = Path(__file__).resolve().parents[3]
_LISTENING = re.compile(rb"listening http://[^:/\s]+:(\d+)")
_LONGEST_LINE = 1 << 20
# A pod's environment belongs to the function. These names would steer the interpreter that hosts it instead.
_HOST_NAMES = ("PATH", "PYTHON", "LD_", "DYLD_")


def function_command() -> tuple[str, ...]:
    """The command that serves a Spin application: this interpreter with `local.functions`."""
    return (sys.executable, "-m", "local.functions")


def host_environment(pod_environment: dict[str, str]) -> dict[str, str]:
    """The process environment for a pod's variables: those, and PATH; nothing else of ours."""
    passed = {name: value for name, value in pod_environment.items() if not name.startswith(_HOST_NAMES)}
    return {**passed, "PATH": os.environ.get("PATH", os.defpath)}


@dataclass(frozen=True)
class Exit:
    """How a process ended. ``code`` follows the shell: 128 + signal for a signal."""

    code: int


class FunctionProcess:
    """A running (or ended) function process, leader of its own process group."""

    def __init__(self, process: asyncio.subprocess.Process, log: LogFile, record: Path) -> None:
        self._process = process
        self._log = log
        self._record = record
        self.pid = process.pid
        self.listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.exited: asyncio.Task[Exit] = asyncio.create_task(self._watch())

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: dict[str, str], log: LogFile, record: Path
    ) -> "FunctionProcess":
        """Start a command. ``record`` is the file by which a later kubelet finds the process if this one dies.

        Raises:
            OSError: it cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=REPOSITORY_ROOT,
            process_group=0,
            limit=_LONGEST_LINE,
        )
        record_process(record, process.pid)
        return cls(process, log, record)

    async def wait_started(self, timeout: float | None = None) -> None:
        """Wait until the process listens or has ended, ``timeout`` seconds at most."""
        either: set[asyncio.Future[Any]] = {self.listening, self.exited}
        await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    async def stop(self, grace_seconds: float) -> Exit:
        """SIGTERM, so that requests in hand are answered; SIGKILL after ``grace_seconds``."""
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self.exited), grace_seconds)
        self._signal(signal.SIGKILL)
        return await asyncio.shield(self.exited)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def _watch(self) -> Exit:
        assert self._process.stdout is not None  # noqa: S101  (PIPE above)
        assert self._process.stderr is not None  # noqa: S101
        pumps = asyncio.gather(
            self._pump(self._process.stdout, "stdout", self._look_for_port), self._pump(self._process.stderr, "stderr")
        )
        code = await self._process.wait()
        # What it may have started goes with it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await pumps
        self._log.close()
        forget_process(self._record)
        return Exit(code if code >= 0 else 128 - code)

    async def _pump(
        self, stream: asyncio.StreamReader, name: str, inspect: Callable[[bytes], bool] | None = None
    ) -> None:
        while True:
            try:
                line = await stream.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                if end.partial:
                    self._log.write(name, end.partial)
                return
            except asyncio.LimitOverrunError as overrun:
                line = await stream.readexactly(overrun.consumed)
            if inspect is not None and inspect(line):
                inspect = None
                continue
            self._log.write(name, line)

    def _look_for_port(self, line: bytes) -> bool:
        match = _LISTENING.match(line)
        if match and not self.listening.done():
            self.listening.set_result(int(match[1]))
        return match is not None
