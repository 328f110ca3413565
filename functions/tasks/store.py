"""The task table: rows are made once, move forward by conditional writes, and end once."""

import datetime
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from functions.contracts.build_result import BuildResult
from functions.contracts.task import ENDED, UNSETTLED, RowField, TaskStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_RUNNING = [status for status in TaskStatus if status not in ENDED]


class TaskStore:
    """Rows of one table (key: workspace_id + task_id)."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    @classmethod
    @functools.cache
    def named(cls, name: str) -> "TaskStore":
        """The store on a table of this account, one client for the life of the process."""
        return cls(boto3.resource("dynamodb").Table(name))

    def create(
        self,
        *,
        workspace_id: str,
        task_id: str,
        source_key: str,
        image_repository: str,
        app_name: str | None,
        registry_credentials: bytes | None,
        retention_days: int,
    ) -> bool:
        """Write a ``pending`` row; False when the task exists already."""
        now = _now()
        row = {
            RowField.WORKSPACE_ID: workspace_id,
            RowField.TASK_ID: task_id,
            RowField.STATUS: TaskStatus.PENDING,
            RowField.SOURCE_KEY: source_key,
            RowField.IMAGE_REPOSITORY: image_repository,
            RowField.APP_NAME: app_name,
            RowField.REGISTRY_CREDENTIALS: registry_credentials,
            RowField.CREATED_AT: _text(now),
            RowField.UPDATED_AT: _text(now),
            RowField.EXPIRES_AT: int((now + datetime.timedelta(days=retention_days)).timestamp()),
            RowField.UNSETTLED: UNSETTLED,
        }
        return self._conditionally(
            self._table.put_item,
            Item={str(name): _plain(value) for name, value in row.items() if value is not None},
            ConditionExpression=Attr(RowField.TASK_ID).not_exists(),
        )

    def get(self, workspace_id: str, task_id: str) -> Mapping[str, Any] | None:
        """The row as it is now, or None: also for a task of another workspace."""
        answer = self._table.get_item(Key=_key(workspace_id, task_id), ConsistentRead=True)
        return answer.get("Item")

    def end_done(self, workspace_id: str, task_id: str, result: Mapping[str, Any]) -> bool:
        """Move a running task to ``done``; False when it had ended before."""
        return self._end(workspace_id, task_id, TaskStatus.DONE, RowField.RESULT, result)

    def end_failed(self, workspace_id: str, task_id: str, error: str) -> bool:
        """Move a running task to ``failed``; False when it had ended before."""
        return self._end(workspace_id, task_id, TaskStatus.FAILED, RowField.ERROR, error)

    def settle(self, workspace_id: str, task_id: str) -> bool:
        """Note that a task's end has been announced: nothing is left to do for it. False when it has not ended."""
        ended = {f":{status}": str(status) for status in ENDED}
        return self._conditionally(
            self._table.update_item,
            Key=_key(workspace_id, task_id),
            UpdateExpression="REMOVE #unsettled",
            ConditionExpression="#status IN (" + ", ".join(sorted(ended)) + ")",
            ExpressionAttributeNames={"#status": RowField.STATUS, "#unsettled": RowField.UNSETTLED},
            ExpressionAttributeValues=ended,
        )

    def _end(self, workspace_id: str, task_id: str, status: TaskStatus, field: RowField, value: object) -> bool:
        # The same write that ends a task forgets its registry password.
        return self._conditionally(
            self._table.update_item,
            Key=_key(workspace_id, task_id),
            UpdateExpression="SET #status = :status, #field = :value, #updated = :now REMOVE #credentials",
            ConditionExpression="#status IN (" + ", ".join(f":{status}" for status in _RUNNING) + ")",
            ExpressionAttributeNames={
                "#status": RowField.STATUS,
                "#field": field,
                "#updated": RowField.UPDATED_AT,
                "#credentials": RowField.REGISTRY_CREDENTIALS,
            },
            ExpressionAttributeValues={
                ":status": str(status),
                ":value": value,
                ":now": _text(_now()),
                **{f":{running}": str(running) for running in _RUNNING},
            },
        )

    @staticmethod
    def _conditionally(write: Any, **arguments: Any) -> bool:
        try:
            write(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True


def result_for_row(bucket: str, wasm_key: str, result: BuildResult) -> dict[str, Any]:
    """A successful build's report in the form in which the row keeps it (DynamoDB knows no floats: milliseconds)."""
    row: dict[str, Any] = {
        "wasm_path": f"s3://{bucket}/{wasm_key}",
        "image_url": result.image_url,
        "digest": result.digest,
        "size": result.wasm_size,
        "duration_ms": {step: round(seconds * 1000) for step, seconds in result.durations.items()},
        "toolchain": result.toolchain,
    }
    return {name: value for name, value in row.items() if value is not None}


def _key(workspace_id: str, task_id: str) -> dict[str, str]:
    return {RowField.WORKSPACE_ID.value: workspace_id, RowField.TASK_ID.value: task_id}


def _plain(value: object) -> Any:
    return str(value) if isinstance(value, TaskStatus) else value


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _text(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
