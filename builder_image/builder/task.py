"""The build's orders and its one status change: the task row in DynamoDB."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from builder.errors import TaskEndedError
from functions.contracts.task import ENDED, RowField, TaskKey, TaskStatus
from functions.contracts.task_row import BuildOrder
from functions.contracts.timestamps import timestamp, utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_Item = Mapping[str, Mapping[str, Any]]
"""A row as DynamoDB's own API has it: each value with its type before it, ``{"S": "text"}``."""


class BuildTask:
    """The row of the task that is built."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, task: TaskKey) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._task = task

    def take(self, build_id: str | None) -> BuildOrder:
        """Read the task, and write into its row which build it is from here on: the way to the build's log.

        Raises
        ------
        TaskEndedError
            There is nothing to build: the task ended before, or its row is gone.
        """
        item = self._read() if build_id is None else self._mark(build_id)
        # Texts and bytes alone are read: numbers, lists and maps are none of the builder's.
        return BuildOrder.from_item({name: value.get("S", value.get("B")) for name, value in item.items()})

    def _read(self) -> _Item:
        row = self._dynamodb.get_item(TableName=self._table, Key=self._key(), ConsistentRead=True).get("Item")
        if row is None or row[RowField.STATUS]["S"] in ENDED:
            raise self._over()
        return row

    def _mark(self, build_id: str) -> _Item:
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
        return TaskEndedError(
            f"task {self._task.task_id} of workspace {self._task.workspace_id} has ended or does not exist"
        )

    def start_pushing(self) -> None:
        """Move the task to ``pushing``: from here on something may appear in the registry.

        Raises
        ------
        TaskEndedError
            The task ended meanwhile: do not push.
        """
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
                    ":now": {"S": timestamp(utc_now())},
                },
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise TaskEndedError(f"task {self._task.task_id} ended while it was being built") from None

    def _key(self) -> dict[str, dict[str, str]]:
        return {name: {"S": value} for name, value in self._task.fields().items()}
