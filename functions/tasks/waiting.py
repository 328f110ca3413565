"""Callers who wait for news: how many of them a function of the API holds back at once.

A request that waits keeps one of its function's concurrent executions for up to 25 seconds. One item a function holds a
lease for each of them, in the set of all and in the set of its workspace. A request takes its lease by one conditional
write, before it begins to wait, and gives it back afterwards. A lease that was not given back, because its function was
killed, ends by itself; who finds no place takes such leases out. See docs/decisions/0041-callers-who-wait.md.
"""

import contextlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from botocore.exceptions import BotoCoreError, ClientError

from functions.dynamodb import written_if
from functions.tasks.store import TaskStore
from functions.tasks.table_keys import WAITING, item_key
from functions.telemetry import logger
from functions.tenancy.settings import WaitingSettings
from functions.tenancy.workspace import Workspace

RETRY_SECONDS: Final = 5
"""Somebody's wait ends every moment where many wait; it takes 25 seconds at most."""
_TRIES: Final = 3
_ALL: Final = "all"
_OF_WORKSPACE: Final = "of:"
"""Attribute of a workspace's leases: this and its id. No workspace id has a colon."""
_SPARE_SECONDS: Final = 10
"""A lease outlives its wait by this, for the answer."""


class TooManyWaitingError(Exception):
    """There is no place for one more caller who waits; the text says of what, and what to do."""

    retry_after: Final = RETRY_SECONDS

    def __init__(self, who: str, most: int) -> None:
        super().__init__(
            f"{who} has as many requests waiting as it may ({most}). Send the request without `wait`, or again in "
            f"{RETRY_SECONDS} seconds."
        )


@dataclass(frozen=True, slots=True)
class WaitingRoom:
    """The places of one function of the API, as one workspace may use them."""

    tasks: TaskStore
    function: str
    """Handler that waits: each has concurrent executions of its own."""
    workspace_id: str | None
    """None for what belongs to no workspace, where tenancy is open."""
    most: int
    """Of the workspace."""
    most_of_all: int

    @classmethod
    def of(cls, settings: WaitingSettings, function: str, workspace: Workspace | None) -> Self:
        """Return the places of ``function``, with the settings' limits where the workspace has none of its own."""
        own = workspace.limits.waiting_requests if workspace is not None else None
        return cls(
            TaskStore(settings.task_table),
            function,
            workspace.workspace_id if workspace is not None else None,
            own or settings.limits_waiting_requests,
            settings.limits_all_waiting_requests,
        )

    @contextlib.contextmanager
    def place(self, seconds: float) -> Iterator[None]:
        """Hold a place while the block waits, for ``seconds`` at most.

        Raises
        ------
        TooManyWaitingError
            There is none; nobody has waited.
        """
        lease = self._take(seconds)
        try:
            yield
        finally:
            self._give_back(lease)

    def _take(self, seconds: float) -> str:
        lease = f"{int(time.time() + seconds) + _SPARE_SECONDS}/{secrets.token_hex(4)}"
        for _ in range(_TRIES):
            if self._add(lease):
                return lease
            leases = self._leases()
            all_taken = len(leases.get(_ALL, ())) >= self.most_of_all
            is_full = all_taken or len(leases.get(self._own, ())) >= self.most
            if is_full and not self._forget_ended(leases):
                break
        raise self._none_left(of_all=all_taken)

    def _add(self, lease: str) -> bool:
        return written_if(
            self.tasks.table.update_item,
            Key=self._key,
            UpdateExpression="ADD #all :lease, #own :lease",
            ConditionExpression=(
                "(attribute_not_exists(#all) OR size(#all) < :most_of_all) AND "
                "(attribute_not_exists(#own) OR size(#own) < :most)"
            ),
            ExpressionAttributeNames={"#all": _ALL, "#own": self._own},
            ExpressionAttributeValues={":lease": {lease}, ":most_of_all": self.most_of_all, ":most": self.most},
        )

    def _leases(self) -> dict[str, set[str]]:
        item: Any = self.tasks.table.get_item(Key=self._key, ConsistentRead=True).get("Item", {})
        return {name: value for name, value in item.items() if name == _ALL or name.startswith(_OF_WORKSPACE)}

    def _none_left(self, *, of_all: bool) -> TooManyWaitingError:
        if of_all or self.workspace_id is None:
            return TooManyWaitingError("The service", self.most_of_all if of_all else self.most)
        return TooManyWaitingError(f"Workspace '{self.workspace_id}'", self.most)

    def _forget_ended(self, leases: dict[str, set[str]]) -> bool:
        """Take out the leases whose time is over; False when there are none."""
        now = time.time()
        ended = {lease for lease in leases.get(_ALL, ()) if int(lease.split("/")[0]) < now}
        if ended:
            self._remove(sorted(leases), ended)
        return bool(ended)

    def _give_back(self, lease: str) -> None:
        try:
            self._remove([_ALL, self._own], {lease})
        except (ClientError, BotoCoreError) as error:
            # The answer is there, and the lease ends by itself.
            logger.warning("a place of a caller who waited was not given back", reason=str(error))

    def _remove(self, sets: Sequence[str], leases: set[str]) -> None:
        names = {f"#s{number}": name for number, name in enumerate(sets)}
        self.tasks.table.update_item(
            Key=self._key,
            UpdateExpression="DELETE " + ", ".join(f"{name} :leases" for name in names),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":leases": leases},
        )

    @property
    def _own(self) -> str:
        return f"{_OF_WORKSPACE}{self.workspace_id or ''}"

    @property
    def _key(self) -> dict[str, str]:
        return item_key("", WAITING, self.function)
