"""Tasks with something left to do: not ended, or ended and not announced. Found through a sparse index of the table.

A row carries `RowField.UNSETTLED` from its first write on; `settle` takes it away when the end has been announced, and
with it the row's entry in the index. So the index holds what is open, however many ended tasks the table keeps.
"""

import datetime
from collections.abc import Iterator
from typing import Any, Final

from boto3.dynamodb.conditions import Attr, Key

from functions.contracts.task import ENDED, UNSETTLED, UNSETTLED_INDEX, RowField
from functions.tasks.store import TaskStore, written_if

PAGE: Final = 500
"""Rows read at once; most runs find fewer."""


def unsettled_tasks(tasks: TaskStore, made_before: datetime.datetime) -> Iterator[tuple[str, str]]:
    """Workspace and id of each unsettled task, oldest first, read page by page as they are asked for.

    The index is behind the table by moments: a row may have been settled, or may be gone.

    Parameters
    ----------
    made_before
        Tasks whose id is younger are left out.
    """
    due = Key(RowField.UNSETTLED).eq(UNSETTLED) & Key(RowField.TASK_ID).lt(_first_task_id(made_before))
    request: dict[str, Any] = {"IndexName": UNSETTLED_INDEX, "KeyConditionExpression": due, "Limit": PAGE}
    while True:
        answer = tasks.table.query(**request)
        for item in answer["Items"]:
            yield str(item[RowField.WORKSPACE_ID]), str(item[RowField.TASK_ID])
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def settle(tasks: TaskStore, workspace_id: str, task_id: str) -> bool:
    """Note that a task's end has been announced: nothing is left to do for it. False when it has not ended."""
    return written_if(
        tasks.table.update_item,
        Key={RowField.WORKSPACE_ID.value: workspace_id, RowField.TASK_ID.value: task_id},
        UpdateExpression="REMOVE #unsettled",
        ConditionExpression=Attr(RowField.STATUS).is_in([str(status) for status in ENDED]),
        ExpressionAttributeNames={"#unsettled": RowField.UNSETTLED},
    )


def _first_task_id(moment: datetime.datetime) -> str:
    # A UUIDv7 begins with the milliseconds of its making: this sorts before every id of `moment` or later.
    milliseconds = f"{int(moment.timestamp() * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"
