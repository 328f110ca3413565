"""Announcing the end of a task on the stack's event bus: the one place that does it, whatever path ended the task.

The write that ends a task leaves ``unsettled`` on its row; it goes when EventBridge has taken the event. A function
that dies in between, or an EventBridge that refuses, leaves the mark, and the reconciler announces the end later. So
an end is announced at least once, and twice only when the mark could not be taken away: consumers tell events apart by
``task_id``.
"""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from functions.contracts.task import ENDED, RowField, TaskStatus
from functions.models.events import DETAIL_TYPE, SOURCE, EndedResult, TaskEnded
from functions.tasks.environment import Environment
from functions.tasks.store import TaskStore
from functions.tasks.unsettled import settle
from functions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


@functools.cache
def _events() -> "EventBridgeClient":
    return boto3.client("events")


def announce_end(environment: Environment, workspace_id: str, task_id: str) -> bool:
    """Tell the event bus how a task ended, and note on its row that this has been done.

    To be called by whoever's write ended the task (`functions.tasks.outcome` does it for all who end tasks through
    it). Never raises for AWS's sake: the end itself has been written, and the reconciler announces what was missed.

    Returns
    -------
    bool
        Whether the event was taken, or had been before.
    """
    tasks = TaskStore.named(environment.task_table)
    try:
        row = tasks.get(workspace_id, task_id)
        if row is None or row[RowField.STATUS] not in ENDED:
            return False
        if RowField.UNSETTLED not in row:
            return True
        answer = _events().put_events(
            Entries=[
                {
                    "EventBusName": environment.event_bus_name,
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Detail": event_of(row).model_dump_json(),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            refused = answer["Entries"][0]
            logger.error("EventBridge refused the end of a task", task_id=task_id, problem=refused.get("ErrorCode"))
            return False
        settle(tasks, workspace_id, task_id)
    except (ClientError, BotoCoreError):
        logger.exception("end not announced: the reconciler will", workspace_id=workspace_id, task_id=task_id)
        return False
    return True


def event_of(row: Mapping[str, Any]) -> TaskEnded:
    """The event's ``detail`` for an ended row."""
    stored = row.get(RowField.RESULT)
    result = None
    if stored is not None:
        size = stored.get("size")
        result = EndedResult(
            wasm_path=stored["wasm_path"],
            image_url=stored["image_url"],
            digest=stored.get("digest"),
            size=None if size is None else int(size),
        )
    return TaskEnded(
        task_id=row[RowField.TASK_ID],
        workspace_id=row[RowField.WORKSPACE_ID],
        app_name=row.get(RowField.APP_NAME),
        status="done" if row[RowField.STATUS] == TaskStatus.DONE else "failed",
        cached=bool(row.get("cached") or (stored or {}).get("cached")),
        result=result,
        error=row.get(RowField.ERROR),
        created_at=row[RowField.CREATED_AT],
        ended_at=row[RowField.UPDATED_AT],
    )
