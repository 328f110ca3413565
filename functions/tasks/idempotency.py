"""``Idempotency-Key``: the same key in the same workspace always leads to the same task.

The first request with a key writes down which task id it is going to use, by a conditional write. Any other request
with that key takes the same id and does the same work over again: storing the source, making the row and starting the
execution are all harmless when done twice under one id. So it does not matter whether the first request is still at it,
has finished, or broke in the middle; nobody waits for anybody.
"""

import hashlib
import time
from collections.abc import Iterable
from typing import Final

from functions.tasks.store import TaskStore, written_if
from functions.tasks.table_keys import IDEMPOTENCY, side_key

KEPT_SECONDS: Final = 24 * 60 * 60
"""How long a key stands for its task."""
_TRIES: Final = 5


class KeyReusedError(Exception):
    """The key stands for another request."""


def digest_of(key: str) -> str:
    """What is kept of a key: its length and characters are the caller's choice, ours is fixed."""
    return hashlib.sha256(key.encode()).hexdigest()


def fingerprint(parts: Iterable[str | None]) -> str:
    """Identity of a request. Passwords stay out of it: they change between tries (ECR's do) and must not be kept."""
    digest = hashlib.sha256()
    for part in parts:
        content = b"-" if part is None else b"+" + part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


class IdempotencyKeys:
    """The keys in a task table."""

    def __init__(self, tasks: TaskStore) -> None:
        self._table = tasks.table

    def task_for(self, workspace_id: str, key_digest: str, request: str, task_id: str) -> str:
        """The task id that the key stands for: ``task_id`` when the key is new.

        Parameters
        ----------
        request
            `fingerprint` of the request.

        Raises
        ------
        KeyReusedError
            The key was used for a request with another fingerprint.
        """
        key = side_key(workspace_id, IDEMPOTENCY, key_digest)
        for _ in range(_TRIES):
            now = int(time.time())
            if written_if(
                self._table.put_item,
                Item={**key, "for_task": task_id, "request": request, "expires_at": now + KEPT_SECONDS},
                # DynamoDB removes expired items when it gets to it.
                ConditionExpression="attribute_not_exists(task_id) OR expires_at < :now",
                ExpressionAttributeValues={":now": now},
            ):
                return task_id
            item = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
            if item is not None:
                if item["request"] != request:
                    raise KeyReusedError
                return str(item["for_task"])
        raise KeyReusedError

    def forget(self, workspace_id: str, key_digest: str, task_id: str) -> None:
        """The key's task is not there (any more): the key is free."""
        written_if(
            self._table.delete_item,
            Key=side_key(workspace_id, IDEMPOTENCY, key_digest),
            ConditionExpression="for_task = :task",
            ExpressionAttributeValues={":task": task_id},
        )
