"""The build's orders and its one status change: the task row in DynamoDB."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.errors import TaskEndedError
from functions.contracts.task import ENDED, RowField, TaskStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Task:
    """What to build and where to push it."""

    workspace_id: str
    task_id: str
    source_key: str
    image_repository: str
    app_name: str | None
    registry_credentials: bytes | None

    @property
    def file_name(self) -> str:
        """The upload's name as the uploader spelled it."""
        return self.source_key.rpartition("/")[2]


class TaskRow:
    """One row of the task table."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, workspace_id: str, task_id: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._workspace_id = workspace_id
        self._task_id = task_id

    def read(self) -> Task:
        """The task as it is now.

        Raises
        ------
        TaskEndedError
            There is nothing to build: the task ended before, or its row is gone.
        """
        answer = self._dynamodb.get_item(TableName=self._table, Key=self._key(), ConsistentRead=True)
        row = answer.get("Item")
        if row is None:
            raise TaskEndedError(f"task {self._task_id} of workspace {self._workspace_id} does not exist")
        status = row[RowField.STATUS]["S"]
        if status in ENDED:
            raise TaskEndedError(f"task {self._task_id} is already {status}")
        credentials = row.get(RowField.REGISTRY_CREDENTIALS, {}).get("B")
        return Task(
            workspace_id=self._workspace_id,
            task_id=self._task_id,
            source_key=row[RowField.SOURCE_KEY]["S"],
            image_repository=row[RowField.IMAGE_REPOSITORY]["S"],
            app_name=row.get(RowField.APP_NAME, {}).get("S"),
            registry_credentials=bytes(credentials) if credentials is not None else None,
        )

    def start_pushing(self) -> None:
        """Move the task to ``pushing``: from here on something may appear in the registry.

        Raises
        ------
        TaskEndedError
            The task ended meanwhile: do not push.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key(),
                UpdateExpression="SET #status = :pushing, #updated = :now",
                ConditionExpression="#status IN (:pending, :building)",
                ExpressionAttributeNames={"#status": RowField.STATUS, "#updated": RowField.UPDATED_AT},
                ExpressionAttributeValues={
                    ":pushing": {"S": TaskStatus.PUSHING},
                    ":pending": {"S": TaskStatus.PENDING},
                    ":building": {"S": TaskStatus.BUILDING},
                    ":now": {"S": now},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise TaskEndedError(f"task {self._task_id} ended while it was being built") from None

    def _key(self) -> dict[str, dict[str, str]]:
        return {
            RowField.WORKSPACE_ID.value: {"S": self._workspace_id},
            RowField.TASK_ID.value: {"S": self._task_id},
        }
