"""How much a workspace uses: running builds and kept tasks, held to limits by one item a workspace.

The item holds a set with the ids of running tasks and an upper bound of the number of kept rows. A task claims its
place by one conditional write before its row is made, so that of any number of requests at once no more come through
than there are places. Nothing has to be given back when a task ends: who finds no place looks which ids in the set have
ended, takes those out and tries again; who finds too many rows counts them. A place is therefore never lost, whatever
breaks, and the look costs something only at the limit. See docs/decisions/0007-limits-of-a-workspace.md.
"""

import time
from dataclasses import dataclass
from typing import Any, Final, Literal

from functions.contracts.task import ENDED, TaskKey
from functions.dynamodb import written_if
from functions.tasks.identifiers import made_at
from functions.tasks.store import TaskStore
from functions.tasks.table_keys import USAGE, item_key

_TRIES: Final = 6
_CLAIM_WITHOUT_ROW_SECONDS: Final = 300
"""A claim whose row is not there is somebody who is about to write it, or who broke: after this long, the latter."""
_RECOUNT_SECONDS: Final = 30
RETRY_RUNNING_SECONDS: Final = 10
RETRY_KEPT_SECONDS: Final = 60


class LimitReachedError(Exception):
    """A workspace has no place for one more task; the text says of what, and what to do."""

    def __init__(self, of: Literal["running", "kept"], detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.of = of
        self.retry_after = retry_after
        """Seconds."""


@dataclass(frozen=True)
class Limits:
    """Most of each for one workspace."""

    running: int
    kept: int


@dataclass(frozen=True, slots=True)
class _Counts:
    """A workspace's usage item as it was read."""

    running: frozenset[str]
    """Ids of tasks that claimed a place and may have ended since."""
    kept: int | None
    """Upper bound of the number of rows; None when nobody has counted them."""
    counted_at: int
    """Epoch seconds."""
    version: int | None
    """Grows with every claim and release; None before the first."""


class Usage:
    """The usage items of a task table."""

    def __init__(self, tasks: TaskStore, limits: Limits) -> None:
        self._tasks = tasks
        self._limits = limits

    def claim(self, task: TaskKey, *, runs: bool = True) -> None:
        """Take a place for one more task; the same task may claim again.

        Parameters
        ----------
        task
            The task whose row is about to be made.
        runs
            False for a task that is done when it is made: it takes no place among the running ones.

        Raises
        ------
        LimitReachedError
            There is none.
        """
        workspace_id = task.workspace_id
        for _ in range(_TRIES):
            if self._take(task, runs=runs):
                return
            counts = self._read(workspace_id)
            if counts.kept is None or counts.kept >= self._limits.kept:
                if not self._recount(workspace_id, counts):
                    raise LimitReachedError(
                        "kept",
                        f"Workspace '{workspace_id}' keeps as many tasks as it may ({self._limits.kept}). "
                        "Delete some (DELETE /api/v1/tasks/{task_id}) and try again.",
                        RETRY_KEPT_SECONDS,
                    )
            elif runs and len(counts.running) >= self._limits.running and not self._forget_ended(workspace_id, counts):
                break
        raise LimitReachedError(
            "running",
            f"Workspace '{workspace_id}' has as many builds running and waiting as it may ({self._limits.running}). "
            "Try again when one of them has ended.",
            RETRY_RUNNING_SECONDS,
        )

    def release(self, task: TaskKey) -> None:
        """Give back the place of a task that is not there (any more)."""
        written_if(
            self._tasks.table.update_item,
            Key=_key(task.workspace_id),
            UpdateExpression="ADD kept :less, version :one DELETE running :task",
            ConditionExpression="kept > :zero",
            ExpressionAttributeValues={":less": -1, ":one": 1, ":zero": 0, ":task": {task.task_id}},
        )

    def _take(self, task: TaskKey, *, runs: bool) -> bool:
        claimed = "contains(running, :id)"
        conditions = [f"(kept < :most_kept OR {claimed})"]
        values: dict[str, Any] = {":one": 1, ":most_kept": self._limits.kept, ":id": task.task_id}
        changes = "ADD kept :one, version :one"
        if runs:
            conditions.append(f"(attribute_not_exists(running) OR size(running) < :most_running OR {claimed})")
            values |= {":most_running": self._limits.running, ":task": {task.task_id}}
            changes += ", running :task"
        return written_if(
            self._tasks.table.update_item,
            Key=_key(task.workspace_id),
            UpdateExpression=changes,
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeValues=values,
        )

    def _read(self, workspace_id: str) -> _Counts:
        item: Any = self._tasks.table.get_item(Key=_key(workspace_id), ConsistentRead=True).get("Item", {})
        return _Counts(
            running=frozenset(item.get("running", ())),
            kept=int(item["kept"]) if "kept" in item else None,
            counted_at=int(item.get("counted_at", 0)),
            version=int(item["version"]) if "version" in item else None,
        )

    def _forget_ended(self, workspace_id: str, counts: _Counts) -> bool:
        """Take tasks that have ended out of the set; False when all of them run."""
        statuses = self._tasks.statuses(workspace_id, counts.running)
        ended = {
            task_id
            for task_id, status in statuses.items()
            if status in ENDED or (status is None and not _may_be_about_to_exist(task_id))
        }
        if ended:
            self._tasks.table.update_item(
                Key=_key(workspace_id),
                UpdateExpression="DELETE running :ended",
                ExpressionAttributeValues={":ended": ended},
            )
        return bool(ended)

    def _recount(self, workspace_id: str, counts: _Counts) -> bool:
        """Set ``kept`` to what is there; False when that is the limit. Rows that expired are what makes it differ."""
        now = int(time.time())
        if counts.kept is not None and now - counts.counted_at < _RECOUNT_SECONDS:
            return False
        statuses = self._tasks.statuses(workspace_id, counts.running)
        coming = sum(1 for task_id, status in statuses.items() if status is None and _may_be_about_to_exist(task_id))
        kept = self._tasks.count(workspace_id) + coming
        # When somebody claimed or released meanwhile, their numbers stand and the next try decides anew.
        written_if(
            self._tasks.table.update_item,
            Key=_key(workspace_id),
            UpdateExpression="SET kept = :kept, counted_at = :now ADD version :one",
            ConditionExpression="attribute_not_exists(version)" if counts.version is None else "version = :seen",
            ExpressionAttributeValues={
                ":kept": kept,
                ":now": now,
                ":one": 1,
                **({} if counts.version is None else {":seen": counts.version}),
            },
        )
        return kept < self._limits.kept


def _key(workspace_id: str) -> dict[str, str]:
    return item_key(workspace_id, USAGE, USAGE)


def _may_be_about_to_exist(task_id: str) -> bool:
    return time.time() - made_at(task_id).timestamp() < _CLAIM_WITHOUT_ROW_SECONDS
