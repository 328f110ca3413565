"""Build slots: how many builds run at once, held to a limit by one item of the task table for each pool of slots.

A slot is taken and given back by one conditional write each, so however many come at once no more get one than there
are, and giving back twice is once. Every write makes the item's version grow: who decides by what was read writes only
if that still holds. A free slot is taken by the state machine itself (`functions.tasks.slot_pools`).

A pool has a limited number of slots, because each write costs by the size of the item; an installation with more has
several pools, each with a queue of its own (`functions.tasks.slot_queue`), and a task's id says which one is its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from functions.contracts.task import TaskKey
from functions.dynamodb import attributes_if, written_if
from functions.tasks.fair_turns import in_turn
from functions.tasks.slot_pools import SLOT, TAKE, slots_in, slots_key
from functions.tasks.store import TaskStore


@dataclass(frozen=True, slots=True)
class SlotState:
    """A pool's item as it was read, or as a write left it."""

    holders: Mapping[str, str]
    """Workspace by the id of the task that holds a slot."""
    waiting: bool
    """Whether builds may wait: while they do, none takes a slot past them."""
    gave_back: str | None
    """The workspace whose build gave a slot back last."""
    version: int

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """Read an item."""
        holders = {name.removeprefix(SLOT): str(item[name]) for name in item if name.startswith(SLOT)}
        return cls(holders, "waiting" in item, item.get("gave_back"), int(item.get("version", 0)))

    @property
    def running(self) -> Mapping[str, int]:
        """Slots that each workspace holds."""
        return Counter(self.holders.values())

    def in_turn(self, waiting: Iterable[TaskKey]) -> list[TaskKey]:
        """Return builds that wait in the order in which they get the next slots."""
        return in_turn(waiting, self.running, self.gave_back)


class BuildSlots:
    """The slots of one pool."""

    def __init__(self, tasks: TaskStore, pool: int, slots: int) -> None:
        """``slots`` are those of all pools."""
        self._table = tasks.table
        self._key = slots_key(pool)
        self.most = slots_in(pool, slots)

    def read(self) -> SlotState:
        """Read the item."""
        return SlotState.of(self._table.get_item(Key=self._key, ConsistentRead=True).get("Item", {}))

    def grant(self, task: TaskKey, seen: SlotState) -> SlotState | None:
        """Give a free slot to a build that waits; None when the item is no longer as it was ``seen``."""
        return self._written(
            UpdateExpression=TAKE,
            ConditionExpression="version = :seen AND attribute_not_exists(#slot)",
            ExpressionAttributeNames={"#slot": SLOT + task.task_id},
            ExpressionAttributeValues={":workspace": task.workspace_id, ":one": 1, ":seen": seen.version},
        )

    def release(self, task: TaskKey) -> SlotState | None:
        """Give a slot back; None when the task holds none."""
        return self._written(
            UpdateExpression="SET gave_back = :workspace REMOVE #slot ADD taken :less, version :one",
            ConditionExpression="attribute_exists(#slot)",
            ExpressionAttributeNames={"#slot": SLOT + task.task_id},
            ExpressionAttributeValues={":workspace": task.workspace_id, ":less": -1, ":one": 1},
        )

    def somebody_waits(self) -> SlotState:
        """Note that a build waits, after it has entered the queue."""
        answer = self._table.update_item(
            Key=self._key,
            UpdateExpression="SET waiting = :yes ADD version :one",
            ExpressionAttributeValues={":yes": True, ":one": 1},
            ReturnValues="ALL_NEW",
        )
        return SlotState.of(answer["Attributes"])

    def nobody_waits(self, seen: SlotState) -> bool:
        """Note that the queue was empty when the item was as ``seen``; False when it no longer is."""
        return written_if(
            self._table.update_item,
            Key=self._key,
            UpdateExpression="REMOVE waiting ADD version :one",
            ConditionExpression="version = :seen",
            ExpressionAttributeValues={":seen": seen.version, ":one": 1},
        )

    def _written(self, **arguments: Any) -> SlotState | None:
        item = attributes_if(self._table.update_item, Key=self._key, **arguments)
        return None if item is None else SlotState.of(item)
