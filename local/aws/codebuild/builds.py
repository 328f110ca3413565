"""Starts, queues, stops and waits for builds: CodeBuild's StartBuild and StopBuild, without the API's wire format.

CodeBuild queues the builds that are above the account's concurrency; so does this, in the order of their start.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, Final

from local.aws.codebuild.record import STOPPED, TIMED_OUT, BuildRecord
from local.aws.codebuild.runner import BuildRunner

logger: Final = logging.getLogger(__name__)
Json = dict[str, Any]


class Build:
    """One build from its start to its end. ``finished`` resolves to the final record, once nothing of it is left."""

    def __init__(
        self,
        record: BuildRecord,
        runner: BuildRunner,
        *,
        timeout: float,
        queued_timeout: float,
        spawn: Callable[[Callable[[], None]], None],
    ) -> None:
        """``timeout`` and ``queued_timeout`` are seconds; ``spawn`` runs its argument in a thread."""
        self.record = record
        self.runner = runner
        self.timeout = timeout
        self.queued_timeout = queued_timeout
        self.spawn = spawn
        self.finished: Future[Json] = Future()
        self.queue_timer: threading.Timer | None = None


class BuildQueue:
    """Runs up to ``limit`` builds at a time, the others wait in phase QUEUED."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._running: set[Build] = set()
        self._waiting: deque[Build] = deque()

    def submit(self, build: Build) -> None:
        """Start ``build``, now or when a place is free."""
        with self._lock:
            if len(self._running) >= self._limit:
                self._waiting.append(build)
                build.queue_timer = _timer(build.queued_timeout, lambda: self._leave(build, TIMED_OUT))
                return
            self._running.add(build)
        build.spawn(lambda: self._run(build))

    def stop(self, build: Build) -> None:
        """End ``build`` with STOPPED; `Build.finished` says when it has ended."""
        if not self._leave(build, STOPPED):
            build.runner.end(STOPPED)

    def stop_all(self, timeout: float) -> bool:
        """End every build and wait for their ends, ``timeout`` seconds at most. False when there was none to end."""
        with self._lock:
            builds = [*self._waiting, *self._running]
        for build in builds:
            self.stop(build)
        wait([build.finished for build in builds], timeout)
        return bool(builds)

    def _leave(self, build: Build, status: str) -> bool:
        """End a build that is still waiting; False when it is not."""
        with self._lock:
            if build not in self._waiting:
                return False
            self._waiting.remove(build)
        self._finish(build, status)
        return True

    def _run(self, build: Build) -> None:
        timer = _timer(build.timeout, lambda: build.runner.end(TIMED_OUT))
        try:
            status = build.runner.run()
        except Exception:
            # A fault of the runner, not of the build: CodeBuild has a status of its own for it.
            logger.exception("The build runner failed")
            status = "FAULT"
        finally:
            timer.cancel()
        self._finish(build, status)
        with self._lock:
            self._running.discard(build)
            following = self._waiting.popleft() if self._waiting else None
            if following is not None:
                self._running.add(following)
        if following is not None:
            following.spawn(lambda: self._run(following))

    def _finish(self, build: Build, status: str) -> None:
        if build.queue_timer is not None:
            build.queue_timer.cancel()
        build.finished.set_result(build.record.complete(status))


def _timer(seconds: float, action: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer
