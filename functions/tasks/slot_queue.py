"""The queue before a pool of build slots: an item of the task table for each build that waits.

The items of a pool stand in one partition, which is read whole, and consistently: an index could be a moment behind,
and a build that is not seen when a slot becomes free would wait for the next one. Items are small; the token that lets
the build's execution go on is in the task's row.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from functions.contracts.task import RowField, TaskKey
from functions.tasks.slot_pools import queue_key
from functions.tasks.store import TaskStore


@dataclass(frozen=True, slots=True)
class Queued:
    """A build that waits, and since when."""

    task: TaskKey
    since: int
    """Epoch seconds."""

    @property
    def seconds(self) -> int:
        """How long it has waited."""
        return max(0, int(time.time()) - self.since)


class SlotQueue:
    """The queue of one pool."""

    def __init__(self, tasks: TaskStore, pool: int) -> None:
        self._table, self._pool = tasks.table, pool

    def enter(self, task: TaskKey) -> Queued:
        """Put a build into the queue; the same build may enter again, and keeps its turn, which is by its id."""
        queued = Queued(task, int(time.time()))
        self._table.put_item(
            Item={**queue_key(self._pool, task.task_id), "of_workspace": task.workspace_id, "since": queued.since}
        )
        return queued

    def leave(self, task_id: str) -> None:
        """Take a build out of the queue, if it is there."""
        self._table.delete_item(Key=queue_key(self._pool, task_id))

    def waiting(self) -> Sequence[Queued]:
        """Return all that wait, the oldest first."""
        pages = self._table.meta.client.get_paginator("query").paginate(
            TableName=self._table.name,
            KeyConditionExpression="#queue = :queue",
            ExpressionAttributeNames={"#queue": RowField.WORKSPACE_ID},
            ExpressionAttributeValues={":queue": queue_key(self._pool, "")[RowField.WORKSPACE_ID]},
            ConsistentRead=True,
        )
        return [
            Queued(TaskKey(str(item["of_workspace"]), str(item[RowField.TASK_ID])), int(str(item["since"])))
            for page in pages
            for item in page["Items"]
        ]
