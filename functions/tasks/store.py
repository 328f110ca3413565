"""The task table: rows are made once, move forward by conditional writes, and end once."""

import datetime
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from functions.contracts.build_result import BuildResult
from functions.contracts.task import ENDED, UNSETTLED, RowField, TaskStatus
from functions.tasks.table_keys import EARLIER_BUILDS, side_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

Row = Mapping[str, Any]

_RUNNING: Final = [status for status in TaskStatus if status not in ENDED]
_MOST_KEYS: Final = 100
"""Keys that one BatchGetItem takes (API reference)."""


@dataclass(frozen=True)
class Page:
    """Some of a workspace's rows, newest first."""

    rows: Sequence[Row]
    before: str | None
    """Task id to go on from; None when there are no older ones."""


class TaskStore:
    """Rows of one table (key: workspace_id + task_id)."""

    def __init__(self, table: "Table") -> None:
        self.table = table

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
        result: Mapping[str, Any] | None = None,
        more: Mapping[RowField, Any] | None = None,
    ) -> bool:
        """Write a ``pending`` row, or with a ``result`` one that is ``done`` already; False when the task exists.

        ``more`` are further fields; those that are None are left out.
        """
        now = utc_now()
        row = {
            RowField.WORKSPACE_ID: workspace_id,
            RowField.TASK_ID: task_id,
            RowField.STATUS: str(TaskStatus.PENDING if result is None else TaskStatus.DONE),
            RowField.SOURCE_KEY: source_key,
            RowField.IMAGE_REPOSITORY: image_repository,
            RowField.APP_NAME: app_name,
            RowField.REGISTRY_CREDENTIALS: registry_credentials,
            RowField.RESULT: result,
            RowField.CREATED_AT: timestamp(now),
            RowField.UPDATED_AT: timestamp(now),
            RowField.EXPIRES_AT: int((now + datetime.timedelta(days=retention_days)).timestamp()),
            RowField.UNSETTLED: UNSETTLED,
            **(more or {}),
        }
        return written_if(
            self.table.put_item,
            Item={str(name): value for name, value in row.items() if value is not None},
            ConditionExpression=Attr(RowField.TASK_ID).not_exists(),
        )

    def get(self, workspace_id: str, task_id: str) -> Row | None:
        """The row as it is now, or None: also for a task of another workspace."""
        answer = self.table.get_item(Key=_key(workspace_id, task_id), ConsistentRead=True)
        return answer.get("Item")

    def newest(self, workspace_id: str, limit: int, before: str | None) -> Page:
        """Up to ``limit`` rows of a workspace, newest first, older than the task ``before``."""
        workspace = Key(RowField.WORKSPACE_ID).eq(workspace_id)
        wanted = workspace if before is None else workspace & Key(RowField.TASK_ID).lt(before)
        # One more than wanted tells whether there are more. DynamoDB also ends a page at 1 MB.
        answer = self.table.query(
            KeyConditionExpression=wanted, ScanIndexForward=False, Limit=limit + 1, ConsistentRead=True
        )
        rows = answer["Items"][:limit]
        more = len(answer["Items"]) > limit or "LastEvaluatedKey" in answer
        return Page(rows, str(rows[-1][RowField.TASK_ID]) if more and rows else None)

    def count(self, workspace_id: str) -> int:
        """How many rows a workspace has (reads all of them)."""
        pages = self.table.meta.client.get_paginator("query").paginate(
            TableName=self.table.name,
            KeyConditionExpression="#workspace = :workspace",
            ExpressionAttributeNames={"#workspace": RowField.WORKSPACE_ID},
            ExpressionAttributeValues={":workspace": workspace_id},
            Select="COUNT",
            ConsistentRead=True,
        )
        return sum(page["Count"] for page in pages)

    def statuses(self, workspace_id: str, task_ids: Iterable[str]) -> dict[str, TaskStatus | None]:
        """Status by task id as it is now; None where there is no row. Ids that DynamoDB did not answer are missing."""
        wanted = sorted(task_ids)
        found: dict[str, TaskStatus | None] = {}
        for start in range(0, len(wanted), _MOST_KEYS):
            some = wanted[start : start + _MOST_KEYS]
            answer = self.table.meta.client.batch_get_item(
                RequestItems={
                    self.table.name: {
                        "Keys": [_key(workspace_id, task_id) for task_id in some],
                        "ProjectionExpression": "#task, #status",
                        "ExpressionAttributeNames": {"#task": RowField.TASK_ID, "#status": RowField.STATUS},
                        "ConsistentRead": True,
                    }
                }
            )
            left = answer["UnprocessedKeys"].get(self.table.name)
            unanswered = {str(key[RowField.TASK_ID]) for key in left["Keys"]} if left else set()
            found |= dict.fromkeys(set(some) - unanswered)
            for row in answer["Responses"].get(self.table.name, []):
                found[str(row[RowField.TASK_ID])] = TaskStatus(str(row[RowField.STATUS]))
        return found

    def end_done(self, workspace_id: str, task_id: str, result: Mapping[str, Any]) -> bool:
        """Move a running task to ``done``; False when it had ended before. Call it through `outcome.finish`."""
        row = self._end(workspace_id, task_id, TaskStatus.DONE, {RowField.RESULT: result})
        if row is not None and RowField.CACHE_KEY in row:
            self.remember_build(workspace_id, row[RowField.CACHE_KEY], task_id, int(row[RowField.EXPIRES_AT]))
        return row is not None

    def end_failed(
        self, workspace_id: str, task_id: str, error: str, errors: Sequence[Mapping[str, Any]] | None = None
    ) -> bool:
        """Move a running task to ``failed``; False when it had ended before. Call it through `outcome.fail`.

        ``errors`` are the findings of the type check in the form of `RowField.ERRORS`.
        """
        fields: dict[RowField, Any] = {RowField.ERROR: error}
        if errors:
            fields[RowField.ERRORS] = [{k: v for k, v in found.items() if v is not None} for found in errors]
        return self._end(workspace_id, task_id, TaskStatus.FAILED, fields) is not None

    def remember_build(self, workspace_id: str, cache_key: str, task_id: str, expires_at: int) -> None:
        """Note that ``task_id`` built what ``cache_key`` stands for (`functions.tasks.reuse`)."""
        self.table.update_item(
            Key=side_key(workspace_id, EARLIER_BUILDS, cache_key),
            UpdateExpression="SET built_by = :task, #expires = :expires",
            ExpressionAttributeNames={"#expires": RowField.EXPIRES_AT},
            ExpressionAttributeValues={":task": task_id, ":expires": expires_at},
        )

    def upload_arrived(self, workspace_id: str, task_id: str) -> None:
        """The announced upload is there and its build has been started: nothing is awaited any more."""
        written_if(
            self.table.update_item,
            Key=_key(workspace_id, task_id),
            UpdateExpression="REMOVE #upload",
            ConditionExpression=Attr(RowField.TASK_ID).exists(),
            ExpressionAttributeNames={"#upload": RowField.UPLOAD_EXPIRES_AT},
        )

    def delete(self, workspace_id: str, task_id: str) -> bool:
        """Remove the row of a task that has ended; False when it is running, or gone."""
        return written_if(
            self.table.delete_item,
            Key=_key(workspace_id, task_id),
            ConditionExpression=Attr(RowField.STATUS).is_in([str(status) for status in ENDED]),
        )

    def _end(self, workspace_id: str, task_id: str, status: TaskStatus, fields: Mapping[RowField, Any]) -> Row | None:
        """The row as it ended; None when it had ended before."""
        sets = {RowField.STATUS: str(status), RowField.UPDATED_AT: timestamp(utc_now()), **fields}
        try:
            # The same write that ends a task forgets its registry password.
            answer = self.table.update_item(
                Key=_key(workspace_id, task_id),
                UpdateExpression="SET "
                + ", ".join(f"#{name} = :{name}" for name in sets)
                + " REMOVE #credentials, #upload",
                ConditionExpression="#status IN (" + ", ".join(f":was_{status}" for status in _RUNNING) + ")",
                ExpressionAttributeNames={
                    **{f"#{name}": str(name) for name in sets},
                    "#credentials": RowField.REGISTRY_CREDENTIALS,
                    "#upload": RowField.UPLOAD_EXPIRES_AT,
                },
                ExpressionAttributeValues={
                    **{f":{name}": value for name, value in sets.items()},
                    **{f":was_{running}": str(running) for running in _RUNNING},
                },
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if is_failed_condition(error):
                return None
            raise
        return answer["Attributes"]


def result_for_row(bucket: str, wasm_key: str, result: BuildResult) -> dict[str, Any]:
    """A successful build's report in the form in which the row keeps it (DynamoDB knows no floats: milliseconds)."""
    row: dict[str, Any] = {
        "wasm_path": f"s3://{bucket}/{wasm_key}",
        "image_url": result.image_url,
        "digest": result.digest,
        "size": result.wasm_size,
        "way": result.way,
        "duration_ms": {step: round(seconds * 1000) for step, seconds in result.durations.items()},
        "toolchain": result.toolchain,
    }
    return {name: value for name, value in row.items() if value is not None}


def is_failed_condition(error: ClientError) -> bool:
    """Whether DynamoDB refused a write because of its condition."""
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"


def written_if(write: Any, **arguments: Any) -> bool:
    """Do a conditional write; False when its condition did not hold."""
    try:
        write(**arguments)
    except ClientError as error:
        if is_failed_condition(error):
            return False
        raise
    return True


def utc_now() -> datetime.datetime:
    """Now, with its time zone."""
    return datetime.datetime.now(datetime.UTC)


def timestamp(moment: datetime.datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as rows and answers have it."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _key(workspace_id: str, task_id: str) -> dict[str, str]:
    return {RowField.WORKSPACE_ID.value: workspace_id, RowField.TASK_ID.value: task_id}
