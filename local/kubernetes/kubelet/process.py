"""One function process: start, find out where it listens, keep its output, stop it.

Most of what a start takes is loading Python packages. So functions are forked from a process that has loaded them
(`multiprocessing`'s fork server): a replica is up in a fraction of the time, and replicas share that memory. It does so
for a program that was started as ``python -m PACKAGE``; any other main module would be loaded again by each fork.
"""

import asyncio
import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from local.cloud.collector import spare_what_stays
from local.cloud.parents import die_with_parent
from local.kubernetes.kubelet.leftovers import forget_process, record_process
from local.kubernetes.kubelet.logs import LogFile

_LISTENING = re.compile(rb"listening http://[^:/\s]+:(\d+)")
_LONGEST_LINE = 1 << 20
# A pod's environment belongs to the function. These names would steer the interpreter that hosts it instead.
_HOST_NAMES = ("PATH", "PYTHON", "LD_", "DYLD_")

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["local.spin_host.cli"])


def host_environment(pod_environment: dict[str, str]) -> dict[str, str]:
    """Make the process environment for a pod's variables: those, and PATH; nothing else of ours."""
    passed = {name: value for name, value in pod_environment.items() if not name.startswith(_HOST_NAMES)}
    return {**passed, "PATH": os.environ.get("PATH", os.defpath)}


def _become(arguments: Sequence[str], environment: dict[str, str], stdout: Connection, stderr: Connection) -> None:
    """Become, in a forked process, ``python -m local.spin_host`` with these arguments."""
    os.setpgid(0, 0)
    # The server that forks ends with the kubelet, also when that is killed, unless one of its forks holds this pipe.
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]
    die_with_parent(signal.SIGKILL)
    for number, stream in enumerate((stdout, stderr), start=1):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.environ.clear()
    os.environ.update(environment)
    spare_what_stays()
    from local.spin_host.cli import main

    sys.exit(main(list(arguments)))


class FunctionProcess:
    """A running (or ended) function process, leader of its own process group."""

    def __init__(
        self, process: ForkServerProcess, pid: int, outputs: tuple[Connection, Connection], log: LogFile, record: Path
    ) -> None:
        self._process = process
        self._log = log
        self._record = record
        self.pid = pid
        self.listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.exited: asyncio.Task[int] = asyncio.create_task(self._watch(*outputs))
        """Ends with the exit code, which follows the shell: 128 + signal for a signal."""

    @classmethod
    async def start(
        cls, arguments: Sequence[str], environment: dict[str, str], log: LogFile, record: Path
    ) -> "FunctionProcess":
        """Start ``python -m local.spin_host`` with these arguments.

        ``record`` is the file by which a later kubelet finds the process if this one dies.

        Raises
        ------
        OSError
            It cannot be started.
        """
        (stdout, to_stdout), (stderr, to_stderr) = _forks.Pipe(duplex=False), _forks.Pipe(duplex=False)
        with to_stdout, to_stderr:
            process = _forks.Process(target=_become, args=(arguments, environment, to_stdout, to_stderr), daemon=True)
            try:  # the first start waits for the fork server to have loaded everything
                await asyncio.get_running_loop().run_in_executor(None, process.start)
            except EOFError:  # the server's end, in between; the next start begins another
                raise OSError("the process that starts functions has ended") from None
        assert process.pid is not None  # noqa: S101  (started)
        record_process(record, process.pid)
        return cls(process, process.pid, (stdout, stderr), log, record)

    async def wait_started(self, timeout: float | None = None) -> None:
        """Wait until the process listens or has ended, ``timeout`` seconds at most."""
        either: set[asyncio.Future[Any]] = {self.listening, self.exited}
        await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)

    async def stop(self, grace_seconds: float) -> int:
        """SIGTERM, so that requests in hand are answered; SIGKILL after ``grace_seconds``."""
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                return await asyncio.shield(self.exited)
        self._signal(signal.SIGKILL)
        return await asyncio.shield(self.exited)

    def _signal(self, number: signal.Signals) -> None:
        if not self.exited.done():
            _signal_group(self.pid, number)

    async def _watch(self, stdout: Connection, stderr: Connection) -> int:
        pumps = asyncio.gather(self._pump(stdout, "stdout", self._look_for_port), self._pump(stderr, "stderr"))
        code = await self._end()
        # What it may have started goes with it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await pumps
        self._log.close()
        forget_process(self._record)
        return code if code >= 0 else 128 - code

    async def _end(self) -> int:
        """Wait until the process has ended; negative is the signal that ended it."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        assert code is not None  # noqa: S101  (joined)
        return code

    async def _pump(self, pipe: Connection, name: str, inspect: Callable[[bytes], bool] | None = None) -> None:
        stream = await _reader(pipe)
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


async def _reader(pipe: Connection) -> asyncio.StreamReader:
    """Read what comes out of a pipe, until it is closed."""
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    with pipe:
        file = os.fdopen(os.dup(pipe.fileno()), "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return reader


def _signal_group(pid: int, number: signal.Signals) -> None:
    for send in (os.killpg, os.kill):  # the second for one that was forked a moment ago: its group is not there yet
        with suppress(ProcessLookupError, PermissionError):
            send(pid, number)
            return
