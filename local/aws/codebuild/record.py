"""The build as CodeBuild's API shows it (BatchGetBuilds), kept up to date while the build runs.

Shape: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html. Times are seconds since the epoch.
"""

import copy
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

IN_PROGRESS: Final = "IN_PROGRESS"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
STOPPED: Final = "STOPPED"
TIMED_OUT: Final = "TIMED_OUT"

Json = dict[str, Any]


class BuildRecord:
    """The record of one build. ``publish`` gets a copy of its own after every change; safe from any thread."""

    def __init__(self, initial: Mapping[str, Any], publish: Callable[[Json], None]) -> None:
        self._lock = threading.RLock()
        self._publish = publish
        self._build: Json = {
            **copy.deepcopy(dict(initial)),
            "buildStatus": IN_PROGRESS,
            "buildComplete": False,
            "startTime": time.time(),
            "phases": [],
        }
        self._build.pop("endTime", None)
        self.begin("SUBMITTED")
        self.begin("QUEUED")

    def snapshot(self) -> Json:
        """Copy the record as it is now."""
        with self._lock:
            return copy.deepcopy(self._build)

    @property
    def phase(self) -> str:
        """The phase that the build is in."""
        with self._lock:
            return str(self._build["currentPhase"])

    def begin(self, phase: str) -> None:
        """Start ``phase``; the one before it, when still open, has succeeded."""
        with self._lock:
            self._close(SUCCEEDED)
            self._build["phases"].append({"phaseType": phase, "startTime": time.time()})
            self._build["currentPhase"] = phase
            self._publish(self.snapshot())

    def end(self, status: str, code: str = "", message: str = "") -> None:
        """End the open phase with ``status`` and, when there is a ``message``, the reason as its context."""
        with self._lock:
            self._close(status, code, message)
            self._publish(self.snapshot())

    def complete(self, status: str) -> Json:
        """End the build: the open phase (if any) with it. Returns the final record."""
        with self._lock:
            now = time.time()
            self._close(status)
            self._build["phases"].append({"phaseType": "COMPLETED", "startTime": now})
            self._build |= {
                "buildStatus": status,
                "buildComplete": True,
                "currentPhase": "COMPLETED",
                "endTime": now,
            }
            final = self.snapshot()
            self._publish(self.snapshot())
            return final

    def _close(self, status: str, code: str = "", message: str = "") -> None:
        phases = self._build["phases"]
        if not phases or "endTime" in phases[-1]:
            return
        now = time.time()
        phases[-1] |= {
            "phaseStatus": status,
            "endTime": now,
            "durationInSeconds": int(now - phases[-1]["startTime"]),
            "contexts": [{"statusCode": code, "message": message}],
        }
