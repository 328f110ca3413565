"""Tasks with something left to do: not ended, or ended and not announced. Found through a sparse index of the table.

A row carries `RowField.UNSETTLED` from its first write on; `TaskStore.settle` takes it away when the end has been
announced, and with it the row's entry in the index. So the index holds what is open, however many ended tasks the table
keeps.
"""

import datetime
from collections.abc import Iterator
from typing import Any, Final

from boto3.dynamodb.conditions import Key

from functions.contracts.task import UNSETTLED, UNSETTLED_INDEX, RowField, TaskKey
from functions.tasks.identifiers import first_id_at
from functions.tasks.store import TaskStore

PAGE: Final = 500
"""Rows read at once; most runs find fewer."""


def unsettled_tasks(tasks: TaskStore, made_before: datetime.datetime) -> Iterator[TaskKey]:
    """Each unsettled task, oldest first, read page by page as they are asked for.

    The index is behind the table by moments: a row may have been settled, or may be gone.

    Parameters
    ----------
    tasks
        The table.
    made_before
        Tasks whose id is younger are left out.
    """
    due = Key(RowField.UNSETTLED).eq(UNSETTLED) & Key(RowField.TASK_ID).lt(first_id_at(made_before))
    request: dict[str, Any] = {"IndexName": UNSETTLED_INDEX, "KeyConditionExpression": due, "Limit": PAGE}
    while True:
        answer = tasks.table.query(**request)
        for item in answer["Items"]:
            yield TaskKey(str(item[RowField.WORKSPACE_ID]), str(item[RowField.TASK_ID]))
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
