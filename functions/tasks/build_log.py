"""A task's build log, read from CloudWatch Logs: the stream of its one CodeBuild build, and nothing else.

Which stream that is comes from the task's row, never from a request, so no token can lead to another task's lines.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from functions.aws import clients
from functions.contracts.task_row import TaskRow
from functions.contracts.timestamps import timestamp, utc_now
from functions.models.builds import LogLine
from functions.tasks.paging import UnusableTokenError

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef, OutputLogEventTypeDef

START: Final = ""
"""Position of the first line."""
_MOST_CHARACTERS: Final = 1_000_000
"""Of one answer (Lambda answers 6 MB); the rest comes with the next."""
_CHARACTERS_AROUND: Final = 64
"""What JSON and the time add to a line."""
_NOT_FOR_UPLOADERS: Final = ("[Container] ", "builder | ")
"""CodeBuild's own words, and the builder's stack traces: both are for the operator, who reads them in the console."""
_LOG_DELAY: Final = datetime.timedelta(seconds=5)
"""CloudWatch Logs may show a line this long after it was written: until then, an ended task's log may grow."""


@dataclass(frozen=True)
class LogPart:
    """Lines of a log, and where to go on."""

    lines: Sequence[LogLine]
    position: str
    complete: bool
    """Nothing comes after these lines."""


def read(log_group: str, row: TaskRow, position: str) -> LogPart:
    """Read the lines after ``position`` from the build log of the task ``row``.

    Raises
    ------
    UnusableTokenError
        ``position`` is none that CloudWatch Logs gave.
    """
    if row.build_id is None:
        return LogPart((), position, complete=row.ended)
    # "project:uuid": the stream is the uuid when the project sets no prefix (CodeBuild API, CloudWatchLogsConfig).
    stream = row.build_id.rpartition(":")[2]
    lines: list[LogLine] = []
    size = 0
    while size < _MOST_CHARACTERS:
        events, after = _page(log_group, stream, position)
        for event in events:
            message = event["message"].rstrip("\r\n")
            if not message.startswith(_NOT_FOR_UPLOADERS):
                lines.append(LogLine(timestamp=_time(event["timestamp"]), message=message))
                size += len(message) + _CHARACTERS_AROUND
        if after == position:
            return LogPart(lines, position, complete=row.ended and _is_complete(row))
        position = after
    return LogPart(lines, position, complete=False)


def _page(log_group: str, stream: str, position: str) -> tuple["Sequence[OutputLogEventTypeDef]", str]:
    request: GetLogEventsRequestTypeDef = {
        "logGroupName": log_group,
        "logStreamName": stream,
        "startFromHead": True,
    }
    if position != START:
        request["nextToken"] = position
    try:
        answer = clients.logs.get_log_events(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ResourceNotFoundException":  # not there yet, or not any more
            return (), position
        if code == "InvalidParameterException":
            raise UnusableTokenError from None
        raise
    return answer["events"], answer["nextForwardToken"]


def _time(milliseconds: int) -> str:
    return timestamp(datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC))


def _is_complete(row: TaskRow) -> bool:
    ended_at = datetime.datetime.fromisoformat(row.updated_at)
    return utc_now() - ended_at > _LOG_DELAY
