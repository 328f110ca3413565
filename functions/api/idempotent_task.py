"""Which task a request makes: a new one, or with an ``Idempotency-Key`` the one that the key stands for."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header

from functions.tasks import idempotency
from functions.tasks.environment import Environment
from functions.tasks.idempotency import IdempotencyKeys
from functions.tasks.identifiers import new_task_id
from functions.tasks.store import Row, TaskStore

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Key that the client chooses, for example a UUID. Requests of a workspace with the same key create "
        "one task within 24 hours, also if they are sent at the same time.",
    ),
]


@dataclass(frozen=True)
class ChosenTask:
    """The task that a request makes or has made."""

    task_id: str
    idempotency: str | None
    """Digest of the key."""
    row: Row | None
    """The task as it is, when an earlier request has made it."""


@contextlib.contextmanager
def chosen_task(
    environment: Environment, workspace_id: str, key: str | None, request: Iterable[str | None]
) -> Iterator[ChosenTask]:
    """The task for a request that consists of the parts ``request``.

    When the block fails for a task that was not there before, the key is free again.

    Raises
    ------
    idempotency.KeyReusedError
        The key stands for another request.
    """
    if key is None:
        yield ChosenTask(new_task_id(), None, None)
        return
    tasks = TaskStore.named(environment.task_table)
    keys, digest = IdempotencyKeys(tasks), idempotency.digest_of(key)
    task_id = keys.task_for(workspace_id, digest, idempotency.fingerprint(request), new_task_id())
    row = tasks.get(workspace_id, task_id)
    try:
        yield ChosenTask(task_id, digest, row)
    except BaseException:
        if row is None:
            keys.forget(workspace_id, digest, task_id)
        raise
