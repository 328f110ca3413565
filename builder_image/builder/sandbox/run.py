"""Run a command that runs the uploader's code: as nobody, knowing nothing, within limits, and gone afterwards.

Layers, each of which holds without the others: a user of its own (users.py), an environment made from nothing, no
network and no way back to root (launcher.py), a filter on system calls (syscall_filter.py), resource limits by the
kernel, and the watch kept here over time, memory, disk and output of all the step's processes together. A host that
allows it gives the step a disk of its own (own_disk.py), whose limits no step can overshoot.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self, cast

from builder.errors import StoppedError
from builder.sandbox import own_disk, syscall_filter
from builder.sandbox.disk import (
    TooDeepError,
    disk_used,
    disk_used_elsewhere,
    remove_leftovers,
    written_on_disks,
)
from builder.sandbox.output import Output
from builder.sandbox.processes import (
    end_descriptor,
    free_memory,
    kill_user,
    memory_of_user,
    nameless_files_of_user,
    reap_user,
    sees_open_files,
)
from builder.sandbox.users import SandboxUser
from builder.settings import Limits

_LAUNCHER: Final = Path(__file__).with_name("launcher.py")
_WATCH_SECONDS: Final = 0.5
_READ_BYTES: Final = 65_536
_OPEN_FILES: Final = 4096
_FREE_BYTES: Final = 256 * 1024 * 1024
_FREE_FILES: Final = 10_000
_FREE_MEMORY_BYTES: Final = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended. ``failure`` is None, or a sentence saying which limit ended it."""

    exit_code: int
    failure: str | None
    output: Output

    @property
    def succeeded(self) -> bool:
        """Ended by itself, well."""
        return self.exit_code == 0 and self.failure is None


@dataclass(slots=True)
class Sandbox:
    """One step's place: a folder of its own and the user that owns it. Use as a context manager."""

    user: SandboxUser
    folder: Path
    environment: Mapping[str, str]
    limits: Limits
    network: bool = False
    """Only for a step in which nothing of the uploader's runs."""
    has_own_disk: bool = False
    _stop: int = field(default_factory=lambda: os.eventfd(0, os.EFD_CLOEXEC))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def make(
        cls,
        folder: Path,
        environment: Mapping[str, str],
        first_user: str,
        lock_dir: Path,
        limits: Limits,
        *,
        network: bool = False,
    ) -> Self:
        """Make ``folder`` (with a home and a temporary folder in it); fill it, then call `hand_over`."""
        folder.mkdir(mode=0o700)
        has_own_disk = own_disk.mount(folder, limits.disk_bytes)
        for part in (folder / "home", folder / "tmp"):
            part.mkdir(mode=0o700)
        own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8", **environment}
        return cls(SandboxUser.take(first_user, lock_dir), folder, own, limits, network, has_own_disk)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.user.uid is not None:
            kill_user(self.user.uid)
            reap_user(self.user.uid)
            remove_leftovers(self.user.uid)
        if self.has_own_disk:
            own_disk.unmount(self.folder)
        # Last: from here on another build may have this user.
        self.user.release()
        with self._lock:
            if self._stop >= 0:
                os.close(self._stop)
            self._stop = -1

    def hand_over(self) -> None:
        """Give the folder to the step's user."""
        self.user.own(self.folder)

    def stop(self) -> None:
        """End the running step, and any that would start, from another thread: it raises `StoppedError`."""
        with self._lock:
            if self._stop >= 0:
                os.eventfd_write(self._stop, 1)

    def run(
        self, command: Sequence[str], folder: Path, seconds: float, on_line: Callable[[str], None] = lambda _: None
    ) -> Outcome:
        """Run ``command`` (its first word an absolute path) in ``folder``; when this returns, nothing of it is left.

        Raises
        ------
        StoppedError
            `stop` was called.
        """
        output = Output(on_line, self.limits.log_bytes)
        process = self._start(command, folder)
        try:
            failure = self._watch(process, output, seconds)
        finally:
            self._end(process)
            if process.stdout is not None:
                output.drain(process.stdout.fileno())
                process.stdout.close()
            output.finish()
        return Outcome(process.returncode, failure, output)

    def _start(self, command: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
        orders = {
            "command": list(command),
            "environment": dict(self.environment),
            "folder": str(folder),
            "uid": self.user.uid,
            "network": self.network,
            "filter": syscall_filter.program(network=self.network).hex(),
            "limits": {
                "RLIMIT_CORE": 0,
                "RLIMIT_CPU": self.limits.cpu_seconds,
                "RLIMIT_FSIZE": self.limits.file_bytes,
                "RLIMIT_NOFILE": _OPEN_FILES,
                # Not address space: componentize-py's WebAssembly engine reserves much more than it uses.
                "RLIMIT_DATA": self.limits.memory_bytes,
                # Counted per user: without a user of its own the step would be counted with everything else.
                **({"RLIMIT_NPROC": self.limits.processes} if self.user.uid is not None else {}),
            },
        }
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCHER)],
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # A launcher that ended before it read them says why on its output.
        with contextlib.suppress(BrokenPipeError), cast(IO[bytes], process.stdin) as orders_pipe:
            orders_pipe.write(json.dumps(orders).encode())
        return process

    def _watch(self, process: "subprocess.Popen[bytes]", output: Output, seconds: float) -> str | None:
        assert process.stdout is not None  # noqa: S101 - asked for above
        deadline = time.monotonic() + seconds
        before = None if self.user.uid is None or sees_open_files() else written_on_disks(self.folder)
        ended = end_descriptor(process.pid)
        stdout = process.stdout.fileno()
        os.set_blocking(stdout, False)
        try:
            with selectors.DefaultSelector() as selector:
                for descriptor in (ended, self._stop, stdout):
                    selector.register(descriptor, selectors.EVENT_READ)
                while self._read(selector, ended, stdout, output, min(deadline, time.monotonic() + _WATCH_SECONDS)):
                    if time.monotonic() >= deadline:
                        return f"took longer than {seconds:g} seconds"
                    if failure := self._over_limit(before):
                        return failure
                return self._too_much_disk if self._disk_is_full() else None
        finally:
            os.close(ended)

    def _read(
        self, selector: selectors.BaseSelector, ended: int, stdout: int, output: Output, next_look: float
    ) -> bool:
        """Take output until it is time to look at the limits; False when the process has ended.

        Raises
        ------
        StoppedError
            The build is to stop.
        """
        while (left := next_look - time.monotonic()) > 0:
            ready = {key.fd for key, _ in selector.select(left)}
            if self._stop in ready:
                raise StoppedError
            if ended in ready:
                return False
            if stdout in ready and not output.read(stdout, _READ_BYTES):
                selector.unregister(stdout)
        return True

    def _disk_is_full(self) -> bool:
        return self.has_own_disk and own_disk.is_full(self.folder)

    @property
    def _too_much_disk(self) -> str:
        return f"wrote more than {self.limits.disk_bytes:,} bytes to disk"

    def _over_limit(self, before: int | None) -> str | None:
        if self._disk_is_full():
            return self._too_much_disk
        if self.user.uid is not None and memory_of_user(self.user.uid) > self.limits.memory_bytes:
            return f"used more than {self.limits.memory_bytes:,} bytes of memory"
        # Pages that a step shares and has let go of, and buffers of pipes and sockets, are in nobody's account.
        if self.user.uid is not None and free_memory() < _FREE_MEMORY_BYTES:
            return "left the build machine without free memory"
        try:
            used = disk_used(self.folder)
            if self.user.uid is not None:
                used += disk_used_elsewhere(self.user.uid) + nameless_files_of_user(self.user.uid)
            if before is not None:
                # Files without a name cannot be seen: what has come to the disks since is the step's, or its build's.
                used = max(used, written_on_disks(self.folder) - before)
            if used > self.limits.disk_bytes:
                return self._too_much_disk
        except TooDeepError:
            return "made folders that are nested too deeply"
        machine = os.statvfs(self.folder.parent)
        # Some file systems make what files need as they need it, and have no number of them.
        files_run_out = machine.f_files and machine.f_favail < _FREE_FILES
        if machine.f_bavail * machine.f_frsize < _FREE_BYTES or files_run_out:
            return "left the build machine without free disk space"
        return None

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if self.user.uid is not None:
            kill_user(self.user.uid)
        process.wait()  # not sooner: what it left behind could tell by it that nobody looks any more
