"""What a build that takes its time says of itself meanwhile: in its log, and in the task's row.

All of it happens beside the build, in a thread. A build whose steps are quick says nothing and writes nothing.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from builder.log import BuildLog, RunningStep

HEARTBEAT_SECONDS: Final = 10.0
"""Between two lines that say that a step is still running."""
TOLD_AFTER_SECONDS: Final = 5.0
"""How long the first step runs that the task is told of."""
_LOOK_SECONDS: Final = 1.0
_PARTING_SECONDS: Final = 1.0

Tell = Callable[[RunningStep], None]


class Progress:
    """Follows the steps of a build. Use as a context manager.

    From the first step on that runs for `TOLD_AFTER_SECONDS`, ``tell`` is called with each step that the build is at:
    once a build is slow, the task must not be left at a step that is over.
    """

    def __init__(self, log: BuildLog, tell: Tell, *, now: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._tell = tell
        self._now = now
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)
        self._told: RunningStep | None = None
        self._beats: dict[RunningStep, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        # A write to the row that hangs must not hold up the build: what it writes is refused once the task has ended.
        self._thread.join(_PARTING_SECONDS)

    def look(self) -> None:
        """Say what there is to say now."""
        steps = self._log.running()
        self._beat(steps)
        if not steps:
            return
        current = steps[-1]
        slow = self._told is not None or any(self._seconds(step) >= TOLD_AFTER_SECONDS for step in steps)
        if slow and current != self._told:
            self._told = current
            self._tell(current)

    def _follow(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self.look()

    def _beat(self, steps: list[RunningStep]) -> None:
        due = []
        for step in steps:
            beats = int(self._seconds(step) / HEARTBEAT_SECONDS)
            if beats > self._beats.get(step, 0):
                self._beats[step] = beats
                due.append(f"{step.title}, {beats * HEARTBEAT_SECONDS:.0f} s")
        if due:
            self._log.line(f"Still running: {'; '.join(due)}")

    def _seconds(self, step: RunningStep) -> float:
        return self._now() - step.started
