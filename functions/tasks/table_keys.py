"""Items of the task table that are no tasks: a workspace's usage, its idempotency keys, its earlier builds.

They stand in partitions of their own, ``{workspace_id}#{kind}``. No workspace id has a ``#``, so none of them can be
mistaken for a task, listed as one or reached through a task id; and whoever scans the table tells them by it.
"""

from typing import Final

USAGE: Final = "usage"
IDEMPOTENCY: Final = "idempotency"
EARLIER_BUILDS: Final = "builds"
DELETED: Final = "deleted"
WAITING: Final = "waiting"
"""Callers who wait, of all workspaces: the partition is ``#waiting``, an item for each function."""
SLOTS: Final = "slots"
"""Build slots, of all workspaces: the partition is ``#slots-{pool}``, with one item (`functions.tasks.build_slots`)."""
QUEUE: Final = "queue"
"""Builds that wait for a slot: the partition is ``#queue-{pool}`` (`functions.tasks.slot_queue`)."""


def item_key(workspace_id: str, kind: str, name: str) -> dict[str, str]:
    """Key of the item ``name`` among a workspace's items of one kind."""
    return {"workspace_id": f"{workspace_id}#{kind}", "task_id": name}
