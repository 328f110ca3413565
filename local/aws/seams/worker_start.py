"""Lambda workers in Python are forked from a process that has loaded their packages (`local.aws.worker_server`)."""

import contextlib
import inspect
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from ministack.core import lambda_runtime as runtime

from local.aws import worker_server

_SCRIPT: Final = "_worker.py"


def install() -> None:
    """Replace how ministack starts them."""
    if "subprocess.Popen(\n            [binary, worker_path]" not in inspect.getsource(runtime.Worker._spawn):
        raise RuntimeError("ministack starts workers in another way: check local/aws/seams/worker_start.py")
    runtime.subprocess = _Subprocess(_WorkerServer())


class ForkedProcess:
    """As much of a `subprocess.Popen` as ministack uses, for a process that is another's child."""

    def __init__(self, pid: int, pidfd: int, streams: tuple[IO[str], IO[str], IO[str]]) -> None:
        self.pid = pid
        self.stdin, self.stdout, self.stderr = streams
        self.returncode: int | None = None
        self._pidfd = pidfd

    def poll(self) -> int | None:
        """None while it runs; then 0, whatever its status was: only its parent could know."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            if not select.select([self._pidfd], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(_SCRIPT, timeout or 0.0)
            self.returncode = 0
        return self.returncode

    def terminate(self) -> None:
        """SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._pidfd)


class _WorkerServer:
    """The process that forks, started with the first worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: socket.socket | None = None

    def start(self, script: str, folder: str, environment: Mapping[str, str]) -> ForkedProcess:
        """Start a worker: its process."""
        order = json.dumps({"script": script, "folder": folder, "environment": dict(environment)}).encode()
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = os.pipe(), os.pipe(), os.pipe()
        try:
            with self._lock:
                answer, files = self._ask(order, [stdin, stdout, stderr])
        finally:
            for file in (stdin, stdout, stderr):
                os.close(file)
        streams = open(to_stdin, "w", buffering=1), open(from_stdout), open(from_stderr)  # noqa: PTH123, SIM115
        if not answer:
            raise RuntimeError("the process that starts Lambda workers has ended")
        return ForkedProcess(int(answer), files[0], streams)

    def _ask(self, order: bytes, streams: list[int]) -> tuple[bytes, list[int]]:
        """Ask the server; its answer is empty when it has ended: the next worker starts another."""
        orders = self._connection()
        try:
            socket.send_fds(orders, [order], streams)
            answer, files, _, _ = socket.recv_fds(orders, 64, 1)
        except OSError:
            answer, files = b"", []
        if not answer:
            orders.close()
            self._orders = None
        return answer, files

    def _connection(self) -> socket.socket:
        if self._orders is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                # -P: what a worker may import is its function's code, and nothing beside this program.
                command = [sys.executable, "-P", *worker_server.program, str(theirs.fileno())]
                subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
            self._orders = ours
        return self._orders


class _Subprocess:
    """The module ``subprocess`` as ministack sees it."""

    def __init__(self, server: _WorkerServer) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, command: Sequence[str], **options: Any) -> Any:  # noqa: N802 - its name there
        """Start a process."""
        if len(command) == 2 and command[0] == sys.executable and command[1].endswith(f"/{_SCRIPT}"):
            return self._server.start(command[1], options["cwd"], options["env"])
        return subprocess.Popen(command, **options)
