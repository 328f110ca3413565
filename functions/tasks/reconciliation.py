"""Brings tasks to an end that nothing else will: what is left when an event, a function or a whole service was lost.

Looks at the rows that are still in the index of unsettled tasks, and does for each what should have been done. Every
step is a conditional write or a call that may be repeated, so two runs at once do no harm, and a run that is cut off
is continued by the next.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from functions.contracts.task import ENDED, RowField
from functions.tasks.environment import Environment
from functions.tasks.events import announce_end
from functions.tasks.executions import execution_of, running_executions
from functions.tasks.outcome import end_task, fail, reason_from_end
from functions.tasks.store import TaskStore
from functions.tasks.submission import start_execution
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


def reconcile(environment: Environment, now: datetime.datetime, has_time: Callable[[], bool]) -> Findings:
    """Look at every unsettled task once.

    Parameters
    ----------
    has_time
        Asked before each task that needs a step; False ends the run.
    """
    run = _Run(environment, now)
    running = running_executions(environment.state_machine_arn)
    for workspace_id, task_id in unsettled_tasks(run.tasks, now - UNDER_WAY):
        run.findings.open += 1
        if task_id in running:
            run.count_stuck(running[task_id])
            continue
        if run.findings.steps.total() >= MOST_STEPS or not has_time():
            run.findings.complete = False
            break
        run.take_care_of(workspace_id, task_id)
    return run.findings


class _Run:
    def __init__(self, environment: Environment, now: datetime.datetime) -> None:
        self.tasks = TaskStore.named(environment.task_table)
        self.findings = Findings()
        self._environment = environment
        self._now = now

    def count_stuck(self, since: datetime.datetime) -> None:
        if self._now - since > datetime.timedelta(minutes=self._environment.stuck_after_minutes):
            self.findings.stuck += 1

    def take_care_of(self, workspace_id: str, task_id: str) -> None:
        try:
            row = self.tasks.get(workspace_id, task_id)
            step = self._step(row) if row is not None else None
        except Exception:
            # One row that cannot be helped must not keep the others from being.
            logger.exception("task not reconciled", workspace_id=workspace_id, task_id=task_id)
            row, step = None, Step.FAILED
            self.count_stuck(_made(task_id))
        if step is not None:
            self.findings.steps[step] += 1
            logger.info("reconciled", workspace_id=workspace_id, task_id=task_id, step=step)

    def _step(self, row: Mapping[str, Any]) -> Step | None:
        workspace_id, task_id = row[RowField.WORKSPACE_ID], row[RowField.TASK_ID]
        if row[RowField.STATUS] in ENDED:
            return self._announce(row, workspace_id, task_id)
        execution = execution_of(self._environment.state_machine_arn, task_id)
        if execution is None and RowField.UPLOAD_EXPIRES_AT in row:
            return self._end_without_upload(row, workspace_id, task_id)
        if execution is None:
            return self._start_or_end(row, workspace_id, task_id)
        if execution.over:
            end_task(self._environment, workspace_id, task_id, reason_from_end(execution.status, task_id))
            return Step.ENDED
        self.count_stuck(execution.started)
        return None

    def _announce(self, row: Mapping[str, Any], workspace_id: str, task_id: str) -> Step | None:
        if self._now - _moment(row[RowField.UPDATED_AT]) < UNDER_WAY:
            return None  # whoever ended it is announcing it now
        return Step.ANNOUNCED if announce_end(self._environment, workspace_id, task_id) else Step.FAILED

    def _end_without_upload(self, row: Mapping[str, Any], workspace_id: str, task_id: str) -> Step | None:
        until = datetime.datetime.fromtimestamp(int(row[RowField.UPLOAD_EXPIRES_AT]), datetime.UTC)
        if self._now < until + UPLOAD_MAY_TAKE:
            return None
        error = f"The upload did not arrive: it could begin until {until:%Y-%m-%d %H:%M} UTC. Ask for a new upload."
        return Step.ENDED if fail(self._environment, workspace_id, task_id, error) else None

    def _start_or_end(self, row: Mapping[str, Any], workspace_id: str, task_id: str) -> Step | None:
        if self._now - _moment(row[RowField.CREATED_AT]) < START_AGAIN_WITHIN:
            start_execution(self._environment.state_machine_arn, workspace_id, task_id)
            return Step.STARTED
        end_task(
            self._environment,
            workspace_id,
            task_id,
            "The build could not be started for an hour. Upload the file again.",
        )
        return Step.ENDED


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _made(task_id: str) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(task_id.replace("-", "")[:12], 16) / 1000, datetime.UTC)
