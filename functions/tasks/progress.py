"""Where a task is between its request and its end: what it is at, since when, and how many wait before it."""

from typing import Final

from boto3.dynamodb.conditions import Key

from functions.contracts.task import UNSETTLED, UNSETTLED_INDEX, RowField, TaskKey, TaskStatus
from functions.contracts.task_row import TaskRow
from functions.models.builds import Step
from functions.tasks.store import MOST_KEYS, TaskStore

_WITH_STEPS: Final = frozenset({TaskStatus.BUILDING, TaskStatus.PUSHING})


def step_of(row: TaskRow) -> tuple[Step | None, str | None]:
    """Return what a task is at and since when; None where that is not known, or nothing is left to do."""
    if row.upload_expires_at is not None and not row.ended:
        return "upload", row.created_at
    if row.queued:
        return "queue", row.queued_at or row.created_at
    if row.status in _WITH_STEPS:
        return row.step, row.step_started_at
    if row.status == TaskStatus.DONE and row.deploy is not None and row.deployment is None:
        return "deploy", row.updated_at
    return None, None


def queued_ahead(tasks: TaskStore, row: TaskRow) -> int | None:
    """Count the tasks of all workspaces that are older than ``row`` and wait for a build machine, too.

    None for a task that does not wait. Tasks that are being built are not counted: they have their machines. Only the
    `MOST_KEYS` tasks that came right before are looked at, which are all that are read in two calls.
    """
    if not row.queued:
        return None
    before = Key(RowField.UNSETTLED).eq(UNSETTLED) & Key(RowField.TASK_ID).lt(row.task_id)
    answer = tasks.table.query(
        IndexName=UNSETTLED_INDEX, KeyConditionExpression=before, ScanIndexForward=False, Limit=MOST_KEYS
    )
    older = [TaskKey(str(item["workspace_id"]), str(item["task_id"])) for item in answer["Items"]]
    return tasks.count_queued(older)
