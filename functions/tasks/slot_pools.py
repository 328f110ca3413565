"""Where the build slots are in the task table, and what taking a free one writes there.

The state machine takes slots by itself (`infra.slot_states`), and everything else is done by `functions.tasks`: this is
what both know. A pool's item has an attribute for each build that holds a slot, and their number.
See docs/decisions/0073-build-slots.md.
"""

from typing import Final

from functions.tasks.table_keys import QUEUE, SLOTS, item_key

POOL: Final = 400
"""Slots of one pool: its item then has some 20 KB, and its partition takes the writes of 25 builds a second."""
MOST_SLOTS: Final = 4000
MOST_POOLS: Final = MOST_SLOTS // POOL
SLOT: Final = "slot:"
"""Attribute of a held slot: this and the task's id. Its value is the workspace's id."""
TAKE: Final = "SET #slot = :workspace ADD taken :one, version :one"
"""Update of a pool's item that takes a slot. Every write makes ``version`` grow."""
IF_FREE: Final = (
    "attribute_not_exists(#slot) AND attribute_not_exists(waiting) AND (attribute_not_exists(taken) OR taken < :most)"
)
"""Condition of taking one without waiting: it is free, and no build waits that would have to go first."""
NO_SLOT: Final = "NoBuildSlot"
"""Error of an execution whose build has waited for its turn for as long as it may."""


def pools(slots: int) -> int:
    """Return the number of pools that so many slots are divided into."""
    return -(-slots // POOL)


def pool_of(task_id: str, slots: int) -> int:
    """Return the pool whose slots and queue a task uses: by the last two digits of its id, which are random."""
    return int(task_id[-2:], 16) % pools(slots)


def slots_in(pool: int, slots: int) -> int:
    """Return how many of all ``slots`` a pool has: what cannot be divided evenly goes to the first."""
    count = pools(slots)
    return slots // count + (1 if pool < slots % count else 0)


def slots_key(pool: int) -> dict[str, str]:
    """Key of the item of a pool's slots."""
    return item_key("", f"{SLOTS}-{pool}", SLOTS)


def queue_key(pool: int, task_id: str) -> dict[str, str]:
    """Key of the item of a build that waits for one of a pool's slots."""
    return item_key("", f"{QUEUE}-{pool}", task_id)
