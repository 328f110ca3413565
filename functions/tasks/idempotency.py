"""``Idempotency-Key``: the same key in the same workspace always leads to the same task.

The first request with a key writes down which task id it is going to use, by a conditional write. Any other request
with that key takes the same id and does the same work over again: storing the source, making the row and starting the
execution are all harmless when done twice under one id. So it does not matter whether the first request is still at it,
has finished, or broke in the middle; nobody waits for anybody.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from functions.contracts.digests import digest_of_parts
from functions.contracts.task import TaskKey
from functions.contracts.task_row import TaskRow
from functions.dynamodb import written_if
from functions.tasks.identifiers import new_task_id
from functions.tasks.store import TaskStore
from functions.tasks.table_keys import IDEMPOTENCY, item_key

KEPT_SECONDS: Final = 24 * 60 * 60
"""How long a key stands for its task."""
_TRIES: Final = 5


class KeyReusedError(Exception):
    """The key stands for another request; the text says so."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was sent with a different request before. Send a new key with a new request."
        )


@dataclass(frozen=True, slots=True)
class IdempotentTask:
    """The task that a request makes or has made."""

    key: TaskKey
    digest: str | None
    """Digest of the Idempotency-Key; None when the request had none."""
    row: TaskRow | None
    """The task as it is, when an earlier request has made it."""


@contextlib.contextmanager
def idempotent_task(
    tasks: TaskStore, workspace_id: str, idempotency_key: str | None, request: Iterable[str | None]
) -> Iterator[IdempotentTask]:
    """Yield the task of a request: a new one, or the one that the Idempotency-Key stands for.

    When the block fails for a task that was not there before, the key is free again.

    Parameters
    ----------
    tasks
        The table.
    workspace_id
        The request's workspace.
    idempotency_key
        As it was sent.
    request
        What makes the request another one when it changes. Passwords stay out of it: they change between tries (ECR's
        do) and must not be kept.

    Raises
    ------
    KeyReusedError
        The key stands for another request.
    """
    if idempotency_key is None:
        yield IdempotentTask(TaskKey(workspace_id, new_task_id()), None, None)
        return
    keys, digest = IdempotencyKeys(tasks), hashlib.sha256(idempotency_key.encode()).hexdigest()
    new = TaskKey(workspace_id, new_task_id())
    task = keys.task_for(new, digest, _fingerprint(request))
    row = None if task == new else tasks.get(task)
    try:
        yield IdempotentTask(task, digest, row)
    except BaseException:
        if row is None:
            keys.forget(task, digest)
        raise


class IdempotencyKeys:
    """The keys in a task table, each by its digest: a key is of any form that its caller likes."""

    def __init__(self, tasks: TaskStore) -> None:
        self._table = tasks.table

    def task_for(self, task: TaskKey, key_digest: str, request: str) -> TaskKey:
        """Return the task that the key stands for: ``task`` if the key is new.

        Parameters
        ----------
        task
            A task that is not there yet.
        key_digest
            Names the key.
        request
            Fingerprint of the request.

        Raises
        ------
        KeyReusedError
            The key was used for a request with another fingerprint.
        """
        key = item_key(task.workspace_id, IDEMPOTENCY, key_digest)
        for _ in range(_TRIES):
            now = int(time.time())
            if written_if(
                self._table.put_item,
                Item={**key, "for_task": task.task_id, "request": request, "expires_at": now + KEPT_SECONDS},
                # DynamoDB removes expired items when it gets to it.
                ConditionExpression="attribute_not_exists(task_id) OR expires_at < :now",
                ExpressionAttributeValues={":now": now},
            ):
                return task
            item = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
            if item is not None:
                if item["request"] != request:
                    raise KeyReusedError
                return TaskKey(task.workspace_id, str(item["for_task"]))
        raise KeyReusedError

    def forget(self, task: TaskKey, key_digest: str) -> None:
        """Free the key: its task does not exist, or no longer."""
        written_if(
            self._table.delete_item,
            Key=item_key(task.workspace_id, IDEMPOTENCY, key_digest),
            ConditionExpression="for_task = :task",
            ExpressionAttributeValues={":task": task.task_id},
        )


def _fingerprint(request: Iterable[str | None]) -> str:
    return digest_of_parts(b"-" if part is None else b"+" + part.encode() for part in request).hex()
