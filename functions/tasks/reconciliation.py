"""Brings tasks to an end that nothing else will: what is left when an event, a function or a whole service was lost.

Looks at the rows that are still in the index of unsettled tasks, and does for each what should have been done. Every
step is a conditional write or a call that may be repeated, so two runs at once do no harm, and a run that is cut off
is continued by the next.
"""

import datetime
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from functions.contracts.task import TaskKey
from functions.contracts.task_row import TaskRow
from functions.tasks.executions import Executions
from functions.tasks.identifiers import made_at
from functions.tasks.outcome import Outcomes, reason_from_end
from functions.tasks.settings import ReconcilerSettings
from functions.tasks.unsettled import unsettled_tasks
from functions.telemetry import logger

UNDER_WAY: Final = datetime.timedelta(minutes=2)
"""For so long a task is left to those who are at work on it: the longest Lambda timeout is one minute."""
START_AGAIN_WITHIN: Final = datetime.timedelta(hours=1)
"""After that nobody waits for the build any more: the task is ended, and the uploader told to upload again."""
UPLOAD_MAY_TAKE: Final = datetime.timedelta(minutes=30)
"""An upload may begin up to the last moment, and then goes on: 200 MB at 1 Mbit/s take 27 minutes."""
MOST_STEPS: Final = 500
"""Tasks that one run takes care of. DescribeExecution is throttled at 10 to 15 a second (Step Functions quotas)."""


class Step(StrEnum):
    """What was done for a task; also the names of the metrics that count it."""

    STARTED = "ReconciledStarted"
    ENDED = "ReconciledEnded"
    ANNOUNCED = "ReconciledAnnounced"
    FAILED = "ReconcileFailures"


@dataclass
class Findings:
    """What a run found and did."""

    open: int = 0
    """Tasks seen that had not ended, or whose end had not been announced."""
    stuck: int = 0
    """Tasks that are older than they may become and were not brought to an end."""
    steps: Counter[Step] = field(default_factory=Counter)
    complete: bool = True
    """Whether every unsettled task was looked at; the next run sees to the rest."""


def reconcile(settings: ReconcilerSettings, now: datetime.datetime, has_time: Callable[[], bool]) -> Findings:
    """Look at every unsettled task once.

    Parameters
    ----------
    settings
        The function's own.
    now
        The time of the run.
    has_time
        Asked before each task that needs a step; False ends the run.
    """
    run = _Run(settings, now)
    running = run.executions.running()
    for task in unsettled_tasks(run.outcomes.tasks, now - UNDER_WAY):
        run.findings.open += 1
        if task.task_id in running:
            run.count_stuck(running[task.task_id])
            continue
        if run.findings.steps.total() >= MOST_STEPS or not has_time():
            run.findings.complete = False
            break
        run.take_care_of(task)
    return run.findings


class _Run:
    def __init__(self, settings: ReconcilerSettings, now: datetime.datetime) -> None:
        self.outcomes = Outcomes.of(settings)
        self.executions = Executions(settings.state_machine_arn)
        self.findings = Findings()
        self._stuck_after = datetime.timedelta(minutes=settings.stuck_after_minutes)
        self._now = now

    def count_stuck(self, since: datetime.datetime) -> None:
        if self._now - since > self._stuck_after:
            self.findings.stuck += 1

    def take_care_of(self, task: TaskKey) -> None:
        try:
            row = self.outcomes.tasks.get(task)
            step = self._step(row) if row is not None else None
        except Exception:
            # One row that cannot be helped must not keep the others from being.
            logger.exception("task not reconciled", extra=task.fields())
            step = Step.FAILED
            self.count_stuck(made_at(task.task_id))
        if step is not None:
            self.findings.steps[step] += 1
            logger.info("reconciled", extra={**task.fields(), "step": step})

    def _step(self, row: TaskRow) -> Step | None:
        if row.ended:
            return self._announce(row)
        execution = self.executions.find(row.task_id)
        if execution is None and row.upload_expires_at is not None:
            return self._end_without_upload(row.key, row.upload_expires_at)
        if execution is None:
            return self._start_or_end(row)
        if execution.over:
            self.outcomes.by_report(row.key, reason_from_end(execution.status, row.task_id))
            return Step.ENDED
        self.count_stuck(execution.started)
        return None

    def _announce(self, row: TaskRow) -> Step | None:
        if self._now - _moment(row.updated_at) < UNDER_WAY:
            return None  # whoever ended it is announcing it now
        return Step.ANNOUNCED if self.outcomes.events.announce_end(row.key) else Step.FAILED

    def _end_without_upload(self, task: TaskKey, expires_at: int) -> Step | None:
        until = datetime.datetime.fromtimestamp(expires_at, datetime.UTC)
        if self._now < until + UPLOAD_MAY_TAKE:
            return None
        error = f"The upload did not arrive: it could begin until {until:%Y-%m-%d %H:%M} UTC. Ask for a new upload."
        return Step.ENDED if self.outcomes.fail(task, error) else None

    def _start_or_end(self, row: TaskRow) -> Step | None:
        if self._now - _moment(row.created_at) < START_AGAIN_WITHIN:
            self.executions.start(row.key, file_name=row.file_name, app_name=row.app_name)
            return Step.STARTED
        reason = "The build could not be started for an hour. Upload the file again."
        self.outcomes.by_report(row.key, reason)
        return Step.ENDED


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
