"""DELETE of a task: stops what runs, and forgets what has ended.

Whatever breaks in between, the same request can be sent again: every step is harmless when repeated, and the row goes
last.
"""

import functools
import time
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import ClientError

from functions.contracts.task import RowField, artifact_prefix, source_prefix, staged_prefix
from functions.tasks import outcome
from functions.tasks.environment import Environment
from functions.tasks.events import announce_end
from functions.tasks.idempotency import IdempotencyKeys
from functions.tasks.store import Row, TaskStore, written_if
from functions.tasks.submission import step_functions, usage_of
from functions.tasks.table_keys import DELETED, EARLIER_BUILDS, side_key
from functions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CANCELLED: Final = "The build was cancelled."
_REMEMBERED_SECONDS: Final = 2 * 24 * 60 * 60
"""EventBridge tries to deliver an event for 24 hours: for longer than that, no late event brings a task back."""
_NOTHING_TO_STOP: Final = frozenset({"ExecutionDoesNotExist", "ValidationException"})


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3")


def cancel(environment: Environment, workspace_id: str, task_id: str) -> bool:
    """End a running task as failed, then stop its build; False when it had ended.

    In this order: a build that gets to its push before it is stopped finds the task ended, and does not push.
    """
    if not outcome.fail(environment, workspace_id, task_id, CANCELLED):
        return False
    _stop(environment, task_id)
    logger.info("task cancelled", workspace_id=workspace_id, task_id=task_id)
    return True


def delete(environment: Environment, row: Row) -> None:
    """Remove an ended task: source, component, reports (every version), and what the table has of it.

    The image stays in the registry (functions may run it), and so does an object that was put under ``uploads/``: it is
    the uploader's.
    """
    workspace_id, task_id = str(row[RowField.WORKSPACE_ID]), str(row[RowField.TASK_ID])
    tasks = TaskStore.named(environment.task_table)
    announce_end(environment, workspace_id, task_id)  # if that is still to be done, the row is needed for it
    _stop(environment, task_id)  # it may have been cancelled a moment ago, and stopping it may have failed
    for prefix in (
        source_prefix(workspace_id, task_id),
        staged_prefix(workspace_id, task_id),
        artifact_prefix(task_id),
    ):
        _delete_objects(environment.code_bucket, prefix)
    if (cache_key := row.get(RowField.CACHE_KEY)) is not None:
        written_if(
            tasks.table.delete_item,
            Key=side_key(workspace_id, EARLIER_BUILDS, cache_key),
            ConditionExpression="built_by = :task",
            ExpressionAttributeValues={":task": task_id},
        )
    if (key := row.get(RowField.IDEMPOTENCY)) is not None:
        IdempotencyKeys(tasks).forget(workspace_id, key, task_id)
    expires_at = int(time.time()) + _REMEMBERED_SECONDS
    tasks.table.put_item(Item={**side_key(workspace_id, DELETED, task_id), str(RowField.EXPIRES_AT): expires_at})
    if tasks.delete(workspace_id, task_id):
        usage_of(environment).release(workspace_id, task_id)
    logger.info("task deleted", workspace_id=workspace_id, task_id=task_id)


def was_deleted(tasks: TaskStore, workspace_id: str, task_id: str) -> bool:
    """Whether a task of this id was deleted lately: an event that comes late must not bring it back."""
    key = side_key(workspace_id, DELETED, task_id)
    return "Item" in tasks.table.get_item(Key=key, ConsistentRead=True)


def _stop(environment: Environment, task_id: str) -> None:
    execution = environment.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{task_id}"
    try:
        step_functions().stop_execution(executionArn=execution, error="Cancelled", cause=CANCELLED)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOTHING_TO_STOP:
            raise


def _delete_objects(bucket: str, prefix: str) -> None:
    for page in _s3().get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not found:
            continue
        answer = _s3().delete_objects(
            Bucket=bucket,
            Delete={"Objects": [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found], "Quiet": True},
        )
        for error in answer.get("Errors", []):
            reason = {"Code": error.get("Code", ""), "Message": f"{error.get('Key')} was not deleted"}
            raise ClientError({"Error": reason}, "DeleteObjects")  # type: ignore[typeddict-item]  # as botocore's own
