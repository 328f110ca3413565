"""The task table: rows are made once, move forward by conditional writes, and end once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from boto3.dynamodb.conditions import Attr, Key

from functions.aws import clients
from functions.contracts.task import ENDED, RowField, TaskKey, TaskStatus
from functions.contracts.task_row import TaskRow
from functions.dynamodb import written_if
from functions.tasks.table_keys import EARLIER_BUILDS, item_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

MOST_KEYS: Final = 100
"""Keys that one BatchGetItem takes (API reference)."""


class TaskNotFoundError(Exception):
    """There is no such task, or it is another workspace's: the caller is told the same."""

    def __init__(self, task: TaskKey) -> None:
        super().__init__(f"Task '{task.task_id[:64]}' not found in workspace '{task.workspace_id}'")


@dataclass(frozen=True)
class Page:
    """Some of a workspace's rows, newest first."""

    rows: Sequence[TaskRow]
    before: str | None
    """Task id to go on from; None when there are no older ones."""


class TaskStore:
    """Rows of one table (key: workspace_id + task_id)."""

    def __init__(self, table_name: str) -> None:
        self._table_name = table_name

    @property
    def table(self) -> "Table":
        """The table, for the items beside the tasks."""
        return clients.table(self._table_name)

    def create(self, row: TaskRow) -> bool:
        """Write a new row; False when the task exists."""
        return written_if(
            self.table.put_item, Item=row.to_item(), ConditionExpression=Attr(RowField.TASK_ID).not_exists()
        )

    def get(self, task: TaskKey) -> TaskRow | None:
        """Read the row; None if there is none, and for a task of another workspace."""
        item = self.table.get_item(Key=row_key(task), ConsistentRead=True).get("Item")
        return None if item is None else TaskRow.from_item(item)

    def newest(self, workspace_id: str, limit: int, before: str | None) -> Page:
        """Up to ``limit`` rows of a workspace, newest first, older than the task ``before``."""
        workspace = Key(RowField.WORKSPACE_ID).eq(workspace_id)
        wanted = workspace if before is None else workspace & Key(RowField.TASK_ID).lt(before)
        # One more than wanted tells whether there are more. DynamoDB also ends a page at 1 MB.
        answer = self.table.query(
            KeyConditionExpression=wanted, ScanIndexForward=False, Limit=limit + 1, ConsistentRead=True
        )
        rows = [TaskRow.from_item(item) for item in answer["Items"][:limit]]
        more = len(answer["Items"]) > limit or "LastEvaluatedKey" in answer
        return Page(rows, rows[-1].task_id if more and rows else None)

    def count(self, workspace_id: str) -> int:
        """How many rows a workspace has (reads all of them)."""
        pages = self.table.meta.client.get_paginator("query").paginate(
            TableName=self.table.name,
            KeyConditionExpression="#workspace = :workspace",
            ExpressionAttributeNames={"#workspace": RowField.WORKSPACE_ID},
            ExpressionAttributeValues={":workspace": workspace_id},
            Select="COUNT",
            ConsistentRead=True,
        )
        return sum(page["Count"] for page in pages)

    def statuses(self, workspace_id: str, task_ids: Iterable[str]) -> dict[str, TaskStatus | None]:
        """Status by task id as it is now; None where there is no row. Ids that DynamoDB did not answer are missing."""
        wanted = sorted(task_ids)
        found: dict[str, TaskStatus | None] = {}
        for start in range(0, len(wanted), MOST_KEYS):
            some = wanted[start : start + MOST_KEYS]
            answer = self.table.meta.client.batch_get_item(
                RequestItems={
                    self.table.name: {
                        "Keys": [row_key(TaskKey(workspace_id, task_id)) for task_id in some],
                        "ProjectionExpression": "#task, #status",
                        "ExpressionAttributeNames": {"#task": RowField.TASK_ID, "#status": RowField.STATUS},
                        "ConsistentRead": True,
                    }
                }
            )
            left = answer["UnprocessedKeys"].get(self.table.name)
            unanswered = {str(key[RowField.TASK_ID]) for key in left["Keys"]} if left else set()
            found |= dict.fromkeys(set(some) - unanswered)
            for row in answer["Responses"].get(self.table.name, []):
                found[str(row[RowField.TASK_ID])] = TaskStatus(str(row[RowField.STATUS]))
        return found

    def remember_build(self, task: TaskKey, cache_key: str, expires_at: int) -> None:
        """Note that the task built what ``cache_key`` stands for (`functions.tasks.reuse`)."""
        self.table.update_item(
            Key=item_key(task.workspace_id, EARLIER_BUILDS, cache_key),
            UpdateExpression="SET built_by = :task, #expires = :expires",
            ExpressionAttributeNames={"#expires": RowField.EXPIRES_AT},
            ExpressionAttributeValues={":task": task.task_id, ":expires": expires_at},
        )

    def upload_arrived(self, task: TaskKey) -> None:
        """Note that the presigned upload has arrived and its build has been started."""
        written_if(
            self.table.update_item,
            Key=row_key(task),
            UpdateExpression="REMOVE #upload",
            ConditionExpression=Attr(RowField.TASK_ID).exists(),
            ExpressionAttributeNames={"#upload": RowField.UPLOAD_EXPIRES_AT},
        )

    def await_slot(self, task: TaskKey, token: str) -> bool:
        """Note the token that lets a task's execution go on when it has a slot; False when nothing is to be built."""
        return written_if(
            self.table.update_item,
            Key=row_key(task),
            UpdateExpression="SET #token = :token",
            ConditionExpression=Attr(RowField.STATUS).eq(TaskStatus.PENDING.value),
            ExpressionAttributeNames={"#token": RowField.SLOT_TOKEN},
            ExpressionAttributeValues={":token": token},
        )

    def delete(self, task: TaskKey) -> bool:
        """Remove the row of a task that has ended; False when it is running, or gone."""
        return written_if(
            self.table.delete_item,
            Key=row_key(task),
            ConditionExpression=Attr(RowField.STATUS).is_in([str(status) for status in ENDED]),
        )

    def settle(self, task: TaskKey) -> bool:
        """Note that a task's end has been announced: nothing is left to do for it. False when it has not ended."""
        return written_if(
            self.table.update_item,
            Key=row_key(task),
            UpdateExpression="REMOVE #unsettled",
            ConditionExpression=Attr(RowField.STATUS).is_in([str(status) for status in ENDED]),
            ExpressionAttributeNames={"#unsettled": RowField.UNSETTLED},
        )


def row_key(task: TaskKey) -> dict[str, str]:
    """Key of a task's row."""
    return {RowField.WORKSPACE_ID.value: task.workspace_id, RowField.TASK_ID.value: task.task_id}
