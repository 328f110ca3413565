"""Builds wait here for a build slot, and get one when it is their turn.

A build that finds a slot free takes it and never comes here. For any other the state WaitForSlot calls `Admission.wait`
with a token: the build enters the queue, and its execution goes on when somebody sends the token back. Whoever gives a
slot back, or finds one free, hands the free slots on by the rule of `functions.tasks.fair_turns`.

No wake-up is lost: a build enters the queue before it writes to the item of the slots, and who gives a slot back reads
the queue after having written to the same item, so one of the two sees the other. Who breaks off in between leaves
something that the next one, or the reconciler (`functions.tasks.slot_repair`), finishes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from botocore.exceptions import ClientError

from functions.aws import clients
from functions.contracts.task import TaskKey
from functions.tasks import task_metrics
from functions.tasks.build_slots import BuildSlots, SlotState
from functions.tasks.settings import SlotSettings
from functions.tasks.slot_pools import pool_of
from functions.tasks.slot_queue import Queued, SlotQueue
from functions.tasks.store import TaskStore
from functions.telemetry import logger

_TRIES: Final = 20
"""Times that a round begins anew because somebody else wrote meanwhile, who then hands on what is free."""
_NOT_AWAITED: Final = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})
"""The execution has gone on already, has ended, or waits with a newer token: then it comes for its slot by itself."""


class TaskOverError(Exception):
    """The task has ended, or is gone: there is nothing to build. The state machine catches it by this name."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The slots of a pool, and the queue before them."""

    slots: BuildSlots
    queue: SlotQueue


@dataclass(frozen=True, slots=True)
class Admission:
    """All pools of an installation."""

    tasks: TaskStore
    slots: int
    """Builds that run at once (`builds.concurrency`)."""

    @classmethod
    def of(cls, settings: SlotSettings) -> Self:
        """With the table and the number of slots of the settings."""
        return cls(TaskStore(settings.task_table), settings.builds_concurrency)

    def wait(self, task: TaskKey, token: str) -> None:
        """Have a build wait until it gets a slot: ``token`` then lets its execution go on.

        Raises
        ------
        TaskOverError
            There is nothing to build.
        """
        if not self.tasks.await_slot(task, token):
            raise TaskOverError(f"task {task.task_id} has ended or is gone")
        self.enter(task)

    def enter(self, task: TaskKey) -> None:
        """Put a build that waits into its queue, and hand on what is free."""
        pool = self.pool(task.task_id)
        queued = pool.queue.enter(task)
        state = pool.slots.somebody_waits()
        if task.task_id in state.holders:
            # It got its slot before: its execution was not told, or a lost answer made it ask again.
            self._tell(pool, queued)
        else:
            self.hand_on(pool, state)

    def give_back(self, task: TaskKey) -> None:
        """Give back what the task holds: its slot, which goes to whose turn it is, or its place in the queue."""
        pool = self.pool(task.task_id)
        state = pool.slots.release(task)
        if state is None:
            pool.queue.leave(task.task_id)
            # It may have held one, and this is another try of a write whose answer was lost.
            state = pool.slots.read()
        self.hand_on(pool, state)

    def hand_on(self, pool: Pool, state: SlotState) -> None:
        """Give free slots to those whose turn it is, until none is free or nobody waits."""
        for _ in range(_TRIES):
            if not state.waiting or len(state.holders) >= pool.slots.most:
                return
            if self._handed_on(pool, state):
                return
            state = pool.slots.read()

    def resume(self, pool: Pool) -> None:
        """Finish what somebody broke off: tell those that hold a slot and do not know, and hand on what is free."""
        state = pool.slots.somebody_waits()
        self._told(pool, state)
        self.hand_on(pool, state)

    def ahead_of(self, task: TaskKey) -> int:
        """Count the builds that would begin before this one if no other came; 0 when it has its slot."""
        pool = self.pool(task.task_id)
        state = pool.slots.read()
        if not state.waiting or task.task_id in state.holders:
            return 0
        waiting = [queued.task for queued in pool.queue.waiting() if queued.task.task_id not in state.holders]
        turns = state.in_turn(waiting)
        # Not in the queue yet, or any more: it is about to enter, or to begin.
        return turns.index(task) if task in turns else 0

    def pool(self, task_id: str) -> Pool:
        """Return a task's pool."""
        return self.pool_number(pool_of(task_id, self.slots))

    def pool_number(self, number: int) -> Pool:
        """Return a pool."""
        return Pool(BuildSlots(self.tasks, number, self.slots), SlotQueue(self.tasks, number))

    def _told(self, pool: Pool, state: SlotState) -> Sequence[Queued]:
        """Tell those in the queue that hold a slot; return the others."""
        queue = pool.queue.waiting()
        for queued in queue:
            if queued.task.task_id in state.holders:
                self._tell(pool, queued)
        return [queued for queued in queue if queued.task.task_id not in state.holders]

    def _handed_on(self, pool: Pool, state: SlotState) -> bool:
        """Hand on by what the queue is now; False when the item of the slots is no longer what was decided by."""
        left = {queued.task: queued for queued in self._told(pool, state)}
        while left and len(state.holders) < pool.slots.most:
            task = state.in_turn(left)[0]
            granted = pool.slots.grant(task, state)
            if granted is None:
                return False
            if not self._tell(pool, left.pop(task)):
                pool.slots.release(task)
                return False
            state = granted
        return bool(left) or pool.slots.nobody_waits(state)

    def _tell(self, pool: Pool, queued: Queued) -> bool:
        """Let the execution of a build go on that holds a slot, and end its wait; False when there is no such task."""
        row = self.tasks.get(queued.task)
        over = row is None or row.ended
        if not over and row is not None and row.slot_token is not None and _send(row.slot_token, queued.seconds):
            task_metrics.slot_wait(queued.seconds)
            logger.info("build got a slot", extra={**queued.task.fields(), "seconds": queued.seconds})
        pool.queue.leave(queued.task.task_id)
        return not over


def _send(token: str, seconds: int) -> bool:
    try:
        clients.step_functions.send_task_success(taskToken=token, output=json.dumps({"waited_seconds": seconds}))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_AWAITED:
            raise
        return False
    return True
