"""What nobody gave back: slots of builds that ended without it, and builds in a queue that nothing serves any more.

Called by the reconciler. A slot is held for as long as its task has not ended, and every task ends
(docs/decisions/0006-a-task-is-never-lost.md): the task's row is the lease.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from functions.contracts.task import ENDED, TaskKey
from functions.tasks.admission import Admission, Pool
from functions.tasks.build_slots import SlotState
from functions.tasks.slot_pools import MOST_POOLS, pools
from functions.tasks.slot_queue import Queued
from functions.telemetry import logger


@dataclass
class SlotFindings:
    """What the pools were like after the repair."""

    waiting: int = 0
    """Builds that wait for a slot."""
    returned: int = 0
    """Slots that had not been given back."""


def repair(admission: Admission) -> SlotFindings:
    """Give back what ended tasks hold, move builds out of pools that are no more, and hand on what is free."""
    findings = SlotFindings()
    for number in range(MOST_POOLS):
        pool = admission.pool_number(number)
        state, queue = pool.slots.read(), pool.queue.waiting()
        if not state.holders and not queue:
            continue
        findings.returned += _return_slots(admission, pool, state)
        left = _drop_ended(admission, pool, queue)
        if number >= pools(admission.slots):
            _move(admission, pool, left)
        elif left:
            admission.resume(pool)
            findings.waiting += len(pool.queue.waiting())
    return findings


def _return_slots(admission: Admission, pool: Pool, state: SlotState) -> int:
    over = _over(admission, [TaskKey(workspace_id, task_id) for task_id, workspace_id in state.holders.items()])
    for task in over:
        logger.warning("a slot had not been given back", extra=task.fields())
        pool.slots.release(task)
    return len(over)


def _drop_ended(admission: Admission, pool: Pool, queue: Iterable[Queued]) -> list[Queued]:
    """Take builds out of the queue whose task has ended; the others."""
    queue = list(queue)
    over = _over(admission, [queued.task for queued in queue])
    for task in over:
        pool.queue.leave(task.task_id)
    return [queued for queued in queue if queued.task not in over]


def _move(admission: Admission, pool: Pool, queue: Iterable[Queued]) -> None:
    """Bring builds from a pool that a smaller number of slots has closed into those that there are."""
    for queued in queue:
        admission.enter(queued.task)
        pool.queue.leave(queued.task.task_id)


def _over(admission: Admission, tasks: Iterable[TaskKey]) -> set[TaskKey]:
    """Return which of these tasks have ended, or are gone: a task has its row before it asks for a slot."""
    of_workspace = defaultdict(list)
    for task in tasks:
        of_workspace[task.workspace_id].append(task.task_id)
    return {
        TaskKey(workspace_id, task_id)
        for workspace_id, task_ids in of_workspace.items()
        for task_id, status in admission.tasks.statuses(workspace_id, task_ids).items()
        if status is None or status in ENDED
    }
