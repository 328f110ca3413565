"""The build's orders and its one status change: the task row in DynamoDB."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

    def take(self, build_id: str | None) -> Task:
        """The task as it is now. From here on its row says which build it is: the way to the build's log.

        Raises
        ------
        TaskEndedError
            There is nothing to build: the task ended before, or its row is gone.
        """
        row = self._read() if build_id is None else self._mark(build_id)
        credentials = row.get(RowField.REGISTRY_CREDENTIALS, {}).get("B")
        return Task(
            workspace_id=self._workspace_id,
            task_id=self._task_id,
            source_key=row[RowField.SOURCE_KEY]["S"],
            image_repository=row[RowField.IMAGE_REPOSITORY]["S"],
            app_name=row.get(RowField.APP_NAME, {}).get("S"),
            registry_credentials=bytes(credentials) if credentials is not None else None,
        )

    def _read(self) -> Mapping[str, Any]:
        row = self._dynamodb.get_item(TableName=self._table, Key=self._key(), ConsistentRead=True).get("Item")
        if row is None or row[RowField.STATUS]["S"] in ENDED:
            raise self._over()
        return row

    def _mark(self, build_id: str) -> Mapping[str, Any]:
        # One call for both: an update can answer with the whole row.
        running = {f":{status}": {"S": status.value} for status in TaskStatus if status not in ENDED}
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key(),
                UpdateExpression="SET #build = :build",
                ConditionExpression=f"#status IN ({', '.join(running)})",
                ExpressionAttributeNames={"#status": RowField.STATUS, "#build": RowField.BUILD_ID},
                ExpressionAttributeValues={":build": {"S": build_id}, **running},
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise self._over() from None
        return answer["Attributes"]

    def _over(self) -> TaskEndedError:
        return TaskEndedError(f"task {self._task_id} of workspace {self._workspace_id} has ended or does not exist")

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
