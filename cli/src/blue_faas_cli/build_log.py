"""The log of a build: as far as it is there, or as it is written."""

import contextlib
import re
import threading
from collections.abc import Callable
from typing import Any, Final

from blue_faas_cli.api import LONG_POLL_SECONDS, task_path
from blue_faas_cli.problems import BlueError
from blue_faas_cli.session import Session
from functions.models.builds import TaskLog

FOLLOWER: Final = "follower of a build's log"
"""Name of the thread that may still wait for its last answer when a command has ended."""

_TASK_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_task(text: str) -> bool:
    """Return whether a text is the id of a task, and no name of an app."""
    return _TASK_ID.fullmatch(text) is not None


class BuildLog:
    """Hands on the lines of one build's log, each once."""

    def __init__(self, session: Session, task_id: str, write: Callable[[str, dict[str, Any]], None]) -> None:
        self._session = session
        self._write_line = write
        self._path: Final = f"{task_path(task_id)}/logs"
        self._position: str | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def show(self) -> None:
        """Write what is there and was not written yet."""
        while self._write(self._read(wait=0)):
            pass

    def follow(self) -> None:
        """Write lines as they come, until the log is complete."""
        while not self._is_over:
            self._write(self._read(wait=LONG_POLL_SECONDS))

    def follow_beside(self) -> None:
        """Follow in a thread.

        The API keeps a log open for some seconds after the build, for late lines. Nobody has to wait for those: whoever
        waits for the build does that beside the log, and then calls `show` and `stop`.
        """
        threading.Thread(target=self._follow_quietly, name=FOLLOWER, daemon=True).start()

    def stop(self) -> None:
        """Write nothing more."""
        with self._lock:
            self._is_over = True

    def _follow_quietly(self) -> None:
        with contextlib.suppress(BlueError):  # who waits for the build is told the same
            self.follow()

    def _read(self, wait: int) -> tuple[str | None, TaskLog]:
        position = self._position
        workspace = self._session.settings.workspace_id
        answer = self._session.api.get(TaskLog, self._path, workspace_id=workspace, next=position, wait=wait)
        return position, answer.typed

    def _write(self, read: tuple[str | None, TaskLog]) -> bool:
        """Write the lines of an answer, unless another thread has; returns whether there may be more at once."""
        position, part = read
        with self._lock:
            if self._is_over:
                return False
            if position != self._position:
                return True
            for line in part.lines:
                self._write_line(line.message.rstrip("\n"), line.model_dump())
            if part.next is None:
                self._is_over = True
                return False
            self._position = part.next
            return bool(part.lines)
