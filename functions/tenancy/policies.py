"""The policy table: one item a workspace, written by administrators, read at every request.

All items stand in one partition, ordered by workspace. Reads of one are strongly consistent: who was taken out is out
with the next request.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from boto3.dynamodb.conditions import Attr, Key

from functions.aws import clients
from functions.contracts.timestamps import timestamp, utc_now
from functions.dynamodb import written_if
from functions.models.workspaces import WorkspacePolicy
from functions.tenancy.table_keys import PARTITION, WORKSPACE_ID, WORKSPACES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_MOST: Final = 1000
"""Items asked for at once; DynamoDB answers 1 MB at most."""


class PolicyChangedError(Exception):
    """The policy is not the version that was to be replaced; the text says so."""

    def __init__(self, workspace_id: str, version: int) -> None:
        super().__init__(
            f"Workspace '{workspace_id}' is not at version {version} any more: read it, and send the request again"
        )


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A workspace as the table has it."""

    workspace_id: str
    policy: WorkspacePolicy
    version: int
    updated_at: str
    updated_by: str

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Self:
        """Read an item."""
        return cls(
            str(item[WORKSPACE_ID]),
            WorkspacePolicy.model_validate_json(str(item["policy"])),
            int(item["version"]),
            str(item["updated_at"]),
            str(item["updated_by"]),
        )


class Policies:
    """Policies of one table."""

    def __init__(self, table_name: str) -> None:
        self._table_name = table_name

    def find(self, workspace_id: str) -> StoredPolicy | None:
        """Read one; None for a workspace that nobody has made."""
        item = self._table.get_item(Key=_key(workspace_id), ConsistentRead=True).get("Item")
        return None if item is None else StoredPolicy.from_item(item)

    def page(self, limit: int, after: str | None = None) -> tuple[list[StoredPolicy], str | None]:
        """Read up to ``limit`` policies by workspace, and the workspace to go on after; None when these are all."""
        every = Key(PARTITION).eq(WORKSPACES)
        wanted = every if after is None else every & Key(WORKSPACE_ID).gt(after)
        answer = self._table.query(KeyConditionExpression=wanted, Limit=limit, ConsistentRead=True)
        found = [StoredPolicy.from_item(item) for item in answer["Items"]]
        return found, found[-1].workspace_id if "LastEvaluatedKey" in answer and found else None

    def all(self) -> list[StoredPolicy]:
        """Read every policy: 1 MB of them a request, which is some thousands."""
        found, after = self.page(_MOST)
        while after is not None:
            more, after = self.page(_MOST, after)
            found += more
        return found

    def write(self, workspace_id: str, policy: WorkspacePolicy, by: str, replaces: int | None) -> StoredPolicy:
        """Write a policy and return it.

        Parameters
        ----------
        workspace_id
            The workspace, made if there is none.
        policy
            All of it.
        by
            Who writes.
        replaces
            Version that must be there, 0 for none; None: whatever is there.

        Raises
        ------
        PolicyChangedError
            Another version is there.
        """
        while True:
            before = self.find(workspace_id)
            version = before.version if before else 0
            if replaces is not None and version != replaces:
                raise PolicyChangedError(workspace_id, replaces)
            written = StoredPolicy(workspace_id, policy, version + 1, timestamp(utc_now()), by)
            if self._put(written, version):
                return written

    def delete(self, workspace_id: str) -> bool:
        """Remove a policy; False when there was none."""
        answer = self._table.delete_item(Key=_key(workspace_id), ReturnValues="ALL_OLD")
        return bool(answer.get("Attributes"))

    @property
    def _table(self) -> "Table":
        return clients.table(self._table_name)

    def _put(self, written: StoredPolicy, replaces: int) -> bool:
        """Write; False when somebody else was faster."""
        item = {
            **_key(written.workspace_id),
            "policy": written.policy.model_dump_json(exclude_defaults=True),
            "version": written.version,
            "updated_at": written.updated_at,
            "updated_by": written.updated_by,
        }
        condition = Attr("version").eq(replaces) if replaces else Attr(WORKSPACE_ID).not_exists()
        return written_if(self._table.put_item, Item=item, ConditionExpression=condition)


def _key(workspace_id: str) -> dict[str, str]:
    return {PARTITION: WORKSPACES, WORKSPACE_ID: workspace_id}
