"""How a task ends: the builder's result.json decides; without one, what Step Functions and CodeBuild say about the end.

Called by the state machine on success and on failure, and for executions that ended without reaching either (aborted,
timed out). Ending a task twice is harmless: the first end stays.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from pydantic import ValidationError

from functions.contracts.build_result import BuildResult, Finding
from functions.contracts.task import ENDED, RowField, TaskKey, TaskStatus, result_key, wasm_key
from functions.contracts.task_row import StoredResult, TaskRow
from functions.contracts.timestamps import timestamp, utc_now
from functions.dynamodb import attributes_if
from functions.tasks import task_metrics
from functions.tasks.code_bucket import CodeBucket
from functions.tasks.events import EventBus
from functions.tasks.settings import TaskSettings
from functions.tasks.slot_pools import NO_SLOT
from functions.tasks.store import TaskStore, row_key
from functions.telemetry import logger

_RUNNING: Final = [status for status in TaskStatus if status not in ENDED]
_MAX_RESULT_BYTES: Final = 256 * 1024
_MAX_ERROR_CHARACTERS: Final = 16_000
"""A row holds 400 KB, and an error is read by a person."""
_TOOK_TOO_LONG: Final = "The build took longer than it may and was stopped."


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Ends tasks: each end is written, counted and announced here, and nowhere else."""

    tasks: TaskStore
    bucket: CodeBucket
    events: EventBus

    @classmethod
    def of(cls, settings: TaskSettings) -> Self:
        """With the table, bucket and event bus of the settings."""
        tasks = TaskStore(settings.task_table)
        return cls(tasks, CodeBucket(settings.code_bucket), EventBus(settings.event_bus_name, tasks))

    def by_report(self, task: TaskKey, reason: str) -> TaskRow | None:
        """Bring a task to its end and return its row; None when the task no longer exists.

        Parameters
        ----------
        task
            The task, ended or not.
        reason
            Sentence for the client when the builder left no usable report.
        """
        report = self._read_report(task.task_id)
        if report is not None and report.outcome == "succeeded" and report.image_url:
            wasm_path = self.bucket.uri(wasm_key(task.task_id))
            ended = self.done(task, StoredResult.from_report(report, report.image_url, wasm_path))
        elif report is not None and report.error:
            ended = self.fail(task, report.error, report.errors, unexpected=report.unexpected)
        else:
            ended = self.fail(task, reason, unexpected=True)
        if ended and report is not None:
            task_metrics.build_time(report.durations)
        return ended or self._earlier_end(task)

    def done(self, task: TaskKey, result: StoredResult) -> TaskRow | None:
        """End a task as ``done``; None when it had ended before (nothing is written or announced)."""
        row = self._end(task, TaskStatus.DONE, {RowField.RESULT: result.to_item()})
        if row is None:
            return None
        if row.cache_key is not None:
            self.tasks.remember_build(task, row.cache_key, row.expires_at)
        self._tell(task, "done", "TaskDone")
        return row

    def fail(
        self, task: TaskKey, error: str, findings: Sequence[Finding] = (), *, unexpected: bool = False
    ) -> TaskRow | None:
        """End a task as ``failed``; None when it had ended before (nothing is written or announced).

        Parameters
        ----------
        task
            The task, ended or not.
        error
            For the uploader: what to change, and where. Cut to `_MAX_ERROR_CHARACTERS`.
        findings
            What the type check found.
        unexpected
            The uploader could not have prevented it: counted apart, and an alarm for the operator.
        """
        fields: dict[RowField, Any] = {RowField.ERROR: error[:_MAX_ERROR_CHARACTERS]}
        if findings:
            fields[RowField.ERRORS] = [finding.model_dump(exclude_none=True) for finding in findings]
        row = self._end(task, TaskStatus.FAILED, fields)
        if row is not None:
            self._tell(task, "failed", "TaskFailed", *(("TaskFailedUnexpectedly",) if unexpected else ()))
        return row

    def reused(self, task: TaskKey) -> None:
        """Count and announce a task whose row was made ``done``, by an earlier build of the same source."""
        self._tell(task, "done by an earlier build", "TaskDone", "TaskReused")

    def _tell(self, task: TaskKey, how: str, *metrics: str) -> None:
        for metric in metrics:
            task_metrics.count(metric)
        logger.info(f"task {how}", extra=task.fields())
        self.events.announce_end(task)

    def _end(self, task: TaskKey, status: TaskStatus, fields: Mapping[RowField, Any]) -> TaskRow | None:
        """Write an end; the row as it ended, or None when it had ended before."""
        sets = {RowField.STATUS: status.value, RowField.UPDATED_AT: timestamp(utc_now()), **fields}
        # The same write that ends a task forgets what only an open one needs: its registry password above all.
        item = attributes_if(
            self.tasks.table.update_item,
            Key=row_key(task),
            UpdateExpression="SET "
            + ", ".join(f"#{name} = :{name}" for name in sets)
            + " REMOVE #credentials, #upload, #token",
            ConditionExpression="#status IN (" + ", ".join(f":was_{running}" for running in _RUNNING) + ")",
            ExpressionAttributeNames={
                **{f"#{name}": str(name) for name in sets},
                "#credentials": RowField.REGISTRY_CREDENTIALS,
                "#upload": RowField.UPLOAD_EXPIRES_AT,
                "#token": RowField.SLOT_TOKEN,
            },
            ExpressionAttributeValues={
                **{f":{name}": value for name, value in sets.items()},
                **{f":was_{running}": str(running) for running in _RUNNING},
            },
        )
        return None if item is None else TaskRow.from_item(item)

    def _earlier_end(self, task: TaskKey) -> TaskRow | None:
        row = self.tasks.get(task)
        logger.info("task had ended before", extra={**task.fields(), "status": row and row.status})
        return row

    def _read_report(self, task_id: str) -> BuildResult | None:
        content = self.bucket.read(result_key(task_id), _MAX_RESULT_BYTES + 1)
        if content is None:
            return None
        try:
            if len(content) > _MAX_RESULT_BYTES:
                raise ValueError("too large")
            return BuildResult.model_validate_json(content)
        except (ValidationError, ValueError):
            logger.warning("result.json is unusable", task_id=task_id, size=len(content))
            return None


def reason_without_report(task_id: str) -> str:
    """Say that a build that CodeBuild calls a success left no usable report."""
    return f"The build finished but left no usable result. {_again(task_id)}"


def reason_from_end(status: str, task_id: str) -> str:
    """Say why a task ends whose execution ended, with this status, without ending it."""
    if status == "TIMED_OUT":
        return _TOOK_TOO_LONG
    if status == "ABORTED":
        return "The build was stopped by an operator. Upload the file again."
    return f"The build failed unexpectedly. {_again(task_id)}"


def reason_from_failure(error: str, cause: str, task_id: str) -> str:
    """Say why a task ends whose state WaitForSlot or BuildAndPush failed with this ``Error`` and ``Cause``.

    The cause of ``codebuild:startBuild.sync`` is the Build as JSON, bare or as ``{"Build": ...}``.
    """
    if error == NO_SLOT:
        return "The build waited too long for its turn behind others, and was not begun. Upload the file again."
    build = _build_in(cause)
    status = build.get("BuildStatus")
    if error == "States.Timeout" or status == "TIMED_OUT":
        return _TOOK_TOO_LONG
    if status == "STOPPED":
        return "The build was stopped. Upload the file again."
    if status is not None:
        phase = build.get("CurrentPhase", "unknown")
        what = f"The build ended without a result (CodeBuild: {status}, phase {phase})."
    elif error.startswith("CodeBuild."):
        what = f"The build could not be started ({error.removeprefix('CodeBuild.')})."
    else:
        what = f"The build failed unexpectedly ({error})."
    return f"{what} {_again(task_id)}"


def build_log_url(cause: str) -> str | None:
    """Return where the console shows the log of the build in a failure's ``Cause``; None when there is no build."""
    logs = _build_in(cause).get("Logs")
    link = logs.get("DeepLink") if isinstance(logs, dict) else None
    return link if isinstance(link, str) else None


def _again(task_id: str) -> str:
    return f"Upload again; if it persists, tell the platform team, quoting task {task_id}."


def _build_in(cause: str) -> dict[str, Any]:
    try:
        parsed = json.loads(cause)
    except ValueError:
        return {}
    if not isinstance(parsed, dict):
        return {}
    build = parsed.get("Build", parsed)
    return build if isinstance(build, dict) else {}
