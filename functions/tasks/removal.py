"""DELETE of a task: stops what runs, and forgets what has ended.

Whatever breaks in between, the same request can be sent again: every step is harmless when repeated, and the row goes
last.
"""

import time
from typing import Final

from functions.contracts.task import RowField, TaskKey, artifact_prefix, presigned_prefix, source_prefix
from functions.contracts.task_row import TaskRow
from functions.dynamodb import written_if
from functions.tasks.idempotency import IdempotencyKeys
from functions.tasks.store import TaskStore
from functions.tasks.submission import Submissions
from functions.tasks.table_keys import DELETED, EARLIER_BUILDS, item_key
from functions.telemetry import logger

CANCELLED: Final = "The build was cancelled."
_REMEMBERED_SECONDS: Final = 2 * 24 * 60 * 60
"""EventBridge tries to deliver an event for 24 hours: for longer than that, no late event brings a task back."""


def cancel(submissions: Submissions, task: TaskKey) -> bool:
    """End a running task as failed, then stop its build; False when it had ended.

    In this order: a build that gets to its push before it is stopped finds the task ended, and does not push.
    """
    if not submissions.outcomes.fail(task, CANCELLED):
        return False
    submissions.executions.stop(task.task_id, CANCELLED)
    logger.info("task cancelled", extra=task.fields())
    return True


def delete(submissions: Submissions, row: TaskRow) -> None:
    """Remove an ended task: source, component, reports (every version), and what the table has of it.

    The image stays in the registry (functions may run it), and so does an object that was put under ``uploads/``: it is
    the uploader's.
    """
    task, tasks = row.key, submissions.tasks
    submissions.outcomes.events.announce_end(task)  # if that is still to be done, the row is needed for it
    # It may have been cancelled a moment ago, and stopping it may have failed.
    submissions.executions.stop(task.task_id, CANCELLED)
    for prefix in (source_prefix(task), presigned_prefix(task), artifact_prefix(task.task_id)):
        submissions.bucket.delete_all(prefix)
    if row.cache_key is not None:
        written_if(
            tasks.table.delete_item,
            Key=item_key(task.workspace_id, EARLIER_BUILDS, row.cache_key),
            ConditionExpression="built_by = :task",
            ExpressionAttributeValues={":task": task.task_id},
        )
    if row.idempotency is not None:
        IdempotencyKeys(tasks).forget(task, row.idempotency)
    expires_at = int(time.time()) + _REMEMBERED_SECONDS
    tasks.table.put_item(Item={**_deleted_key(task), str(RowField.EXPIRES_AT): expires_at})
    if tasks.delete(task):
        submissions.usage.release(task)
    logger.info("task deleted", extra=task.fields())


def was_deleted(tasks: TaskStore, task: TaskKey) -> bool:
    """Whether a task of this id was deleted lately: an event that comes late must not bring it back."""
    return "Item" in tasks.table.get_item(Key=_deleted_key(task), ConsistentRead=True)


def _deleted_key(task: TaskKey) -> dict[str, str]:
    return item_key(task.workspace_id, DELETED, task.task_id)
