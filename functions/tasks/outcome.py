"""How a task ends: the builder's result.json decides; without one, what Step Functions and CodeBuild say about the end.

Called by the state machine on success and on failure, and for executions that ended without reaching either (aborted,
timed out). Ending a task twice is harmless: the first end stays.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError
from pydantic import ValidationError

from functions.contracts.build_result import BuildResult
from functions.contracts.task import ENDED, RowField, TaskStatus, result_key, wasm_key
from functions.tasks import task_metrics
from functions.tasks.environment import Environment
from functions.tasks.events import announce_end
from functions.tasks.store import TaskStore, result_for_row
from functions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_MAX_RESULT_BYTES = 256 * 1024
_MAX_ERROR_CHARACTERS = 16_000
"""A row holds 400 KB, and an error is read by a person."""
_TOOK_TOO_LONG = "The build took longer than it may and was stopped."


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3")


def finish(environment: Environment, workspace_id: str, task_id: str, result: Mapping[str, Any]) -> bool:
    """End a task as ``done`` and announce it; False when it had ended before (nothing is written or announced)."""
    if not TaskStore.named(environment.task_table).end_done(workspace_id, task_id, result):
        return False
    task_metrics.count("TaskDone")
    logger.info("task done", workspace_id=workspace_id, task_id=task_id)
    announce_end(environment, workspace_id, task_id)
    return True


def reused(environment: Environment, workspace_id: str, task_id: str) -> None:
    """Count and announce a task whose row was made ``done``, by an earlier build of the same source."""
    task_metrics.count("TaskDone")
    task_metrics.count("TaskReused")
    announce_end(environment, workspace_id, task_id)


def fail(
    environment: Environment,
    workspace_id: str,
    task_id: str,
    error: str,
    errors: Sequence[Mapping[str, Any]] = (),
    *,
    unexpected: bool = False,
) -> bool:
    """End a task as ``failed`` and announce it; False when it had ended before (nothing is written or announced).

    Parameters
    ----------
    error
        For the uploader: what to change, and where. Cut to `_MAX_ERROR_CHARACTERS`.
    errors
        The type check's findings, as `RowField.ERRORS` has them.
    unexpected
        The uploader could not have prevented it: counted apart, and an alarm for the operator.
    """
    tasks = TaskStore.named(environment.task_table)
    if not tasks.end_failed(workspace_id, task_id, error[:_MAX_ERROR_CHARACTERS], errors):
        return False
    task_metrics.count("TaskFailed")
    if unexpected:
        task_metrics.count("TaskFailedUnexpectedly")
    logger.info("task failed", workspace_id=workspace_id, task_id=task_id, unexpected=unexpected)
    announce_end(environment, workspace_id, task_id)
    return True


def end_task(environment: Environment, workspace_id: str, task_id: str, reason_without_result: str) -> TaskStatus:
    """Bring a task to its end and say which one it is.

    Parameters
    ----------
    reason_without_result
        Sentence for the client when the builder left no usable report.
    """
    report = _read_report(environment.code_bucket, task_id)
    if report is not None and report.outcome == "succeeded" and report.image_url:
        row = result_for_row(environment.code_bucket, wasm_key(task_id), report)
        ended, status = finish(environment, workspace_id, task_id, row), TaskStatus.DONE
    elif report is not None and report.error:
        findings = [finding.model_dump() for finding in report.errors]
        ended = fail(environment, workspace_id, task_id, report.error, findings, unexpected=report.unexpected)
        status = TaskStatus.FAILED
    else:
        ended = fail(environment, workspace_id, task_id, reason_without_result, unexpected=True)
        status = TaskStatus.FAILED
    if ended and report is not None:
        task_metrics.build_time(report.durations)
    return status if ended else _status_now(TaskStore.named(environment.task_table), workspace_id, task_id)


def _status_now(tasks: TaskStore, workspace_id: str, task_id: str) -> TaskStatus:
    row = tasks.get(workspace_id, task_id)
    status = TaskStatus(row[RowField.STATUS]) if row else TaskStatus.FAILED
    logger.info("task had ended before", workspace_id=workspace_id, task_id=task_id, status=status)
    return status if status in ENDED else TaskStatus.FAILED


def _read_report(bucket: str, task_id: str) -> BuildResult | None:
    try:
        answer = _s3().get_object(Bucket=bucket, Key=result_key(task_id))
    except ClientError as error:
        # Without s3:ListBucket a missing key reads as AccessDenied.
        if error.response["Error"]["Code"] in {"NoSuchKey", "404", "AccessDenied"}:
            return None
        raise
    content = answer["Body"].read(_MAX_RESULT_BYTES + 1)
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
    """Say why a task ends whose state BuildAndPush failed with this ``Error`` and ``Cause``.

    The cause of ``codebuild:startBuild.sync`` is the Build as JSON, bare or as ``{"Build": ...}``.
    """
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
