"""The build's orders, its status and its step: the task's row in DynamoDB."""

import contextlib
import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from builder.errors import TaskEndedError
from builder.log import RunningStep
from functions.contracts.task import ENDED, RowField, TaskKey, TaskStatus
from functions.contracts.task_row import BuildOrder
from functions.contracts.timestamps import timestamp, utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_Item = Mapping[str, Mapping[str, Any]]
"""A row as DynamoDB's own API has it: each value with its type before it, ``{"S": "text"}``."""


_STEP_NAMES: Final = {"#step": RowField.STEP, "#since": RowField.STEP_STARTED_AT}
_PUSHING: Final = frozenset({"store", "push"})
"""Steps of a task that is ``pushing``."""


class BuildTask:
    """The row of the task that is built."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, task: TaskKey) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._task = task

    def take(self, build_id: str | None) -> BuildOrder:
        """Read the task; move it to ``building``, and write which build it is: the way to the build's log.

        Raises
        ------
        TaskEndedError
            There is nothing to build: the task has ended, another build of it pushes already, or its row is gone.
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
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key(),
                UpdateExpression="SET #build = :build, #status = :building, #updated = :now",
                ConditionExpression="#status IN (:pending, :building)",
                ExpressionAttributeNames={
                    "#status": RowField.STATUS,
                    "#updated": RowField.UPDATED_AT,
                    "#build": RowField.BUILD_ID,
                },
                ExpressionAttributeValues={":build": {"S": build_id}, **_before_the_push()},
                ReturnValues="ALL_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise self._over() from None
        return answer["Attributes"]

    def _over(self) -> TaskEndedError:
        return TaskEndedError(
            f"task {self._task.task_id} of workspace {self._task.workspace_id} has ended, is being pushed by another "
            "build, or does not exist"
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
                UpdateExpression="SET #status = :pushing, #updated = :now REMOVE #step, #since",
                ConditionExpression="#status IN (:pending, :building)",
                ExpressionAttributeNames={
                    "#status": RowField.STATUS,
                    "#updated": RowField.UPDATED_AT,
                    **_STEP_NAMES,
                },
                ExpressionAttributeValues={":pushing": {"S": TaskStatus.PUSHING}, **_before_the_push()},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise TaskEndedError(f"task {self._task.task_id} ended while it was being built") from None

    def note_step(self, step: RunningStep) -> None:
        """Write which step the build is at. A task that has moved on, or that cannot be written, is left as it is."""
        began = utc_now() - datetime.timedelta(seconds=step.seconds())
        status = TaskStatus.PUSHING if step.name in _PUSHING else TaskStatus.BUILDING
        with contextlib.suppress(ClientError, BotoCoreError):
            self._dynamodb.update_item(
                TableName=self._table,
                Key=self._key(),
                UpdateExpression="SET #step = :step, #since = :since",
                ConditionExpression="#status = :status",
                ExpressionAttributeNames={"#status": RowField.STATUS, **_STEP_NAMES},
                ExpressionAttributeValues={
                    ":step": {"S": step.name},
                    ":since": {"S": timestamp(began)},
                    ":status": {"S": status},
                },
            )

    def _key(self) -> dict[str, dict[str, str]]:
        return {name: {"S": value} for name, value in self._task.fields().items()}


def _before_the_push() -> dict[str, "AttributeValueTypeDef"]:
    return {
        ":pending": {"S": TaskStatus.PENDING},
        ":building": {"S": TaskStatus.BUILDING},
        ":now": {"S": timestamp(utc_now())},
    }
