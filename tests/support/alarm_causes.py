"""``python -m tests.support.alarm_causes``: what the functions write into their logs when something has gone wrong.

Each cause happens to the product's own code in an account in memory. The last line printed is JSON: cause to the lines
that hold metrics, as the function has written them.
"""

import contextlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import boto3
from moto import mock_aws

os.environ |= {"POWERTOOLS_TRACE_DISABLED": "true", "POWERTOOLS_METRICS_NAMESPACE": "BlueFaas"}
os.environ |= {"AWS_DEFAULT_REGION": "ap-northeast-2", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}

from functions.aws import clients
from functions.contracts import settings
from functions.contracts.task import TaskKey
from functions.handlers import ingest, reconcile, record_result
from functions.tasks.executions import Executions
from functions.telemetry import metrics
from tests.support.aws_account import BUCKET, TABLE, Account
from tests.support.build_api import WORKSPACE, started
from tests.support.events import LambdaContext
from tests.support.tasks import create, outcomes

LONG_AGO: Final = "01900000-0000-7000-8000-000000000000"


class _Long(LambdaContext):
    """The context of the reconciler, which may take minutes."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def _failed_by_its_source(_account: Account) -> None:
    outcomes().fail(TaskKey(WORKSPACE, started()), "app.py:1: error: Incompatible types")


def _left_without_a_report(_account: Account) -> None:
    record_result.handler({"workspace_id": WORKSPACE, "task_id": started()}, LambdaContext())


def _cannot_be_read(_account: Account) -> None:
    half_an_hour_ago = f"{int(time.time() - 1800) * 1000:012x}"
    task_id = f"{half_an_hour_ago[:8]}-{half_an_hour_ago[8:]}-7000-8000-000000000000"
    row: dict[str, Any] = {"workspace_id": WORKSPACE, "task_id": task_id, "status": "no-such-status"}
    boto3.resource("dynamodb").Table(TABLE).put_item(Item={**row, "unsettled": "task"})
    reconcile.handler({}, _Long())


def _runs_for_too_long(account: Account) -> None:
    os.environ["STUCK_AFTER_MINUTES"] = "0"
    settings.reset()
    create(LONG_AGO)
    Executions(account.state_machine_arn).start(TaskKey(WORKSPACE, LONG_AGO), file_name="app.py", app_name=None)
    reconcile.handler({}, _Long())


def _lies_in_no_workspace(account: Account) -> None:
    key = "uploads/app.py"
    uploaded = {"bucket": {"name": BUCKET}, "object": {"key": key, "version-id": account.put(key, b"x = 1\n")}}
    ingest.handler({"source": "aws.s3", "detail-type": "Object Created", "detail": uploaded}, LambdaContext())


def _reconciler_runs(_account: Account) -> None:
    reconcile.handler({}, _Long())


CAUSES: Final[dict[str, tuple[str, Callable[[Account], None]]]] = {
    "a task that failed by its source": ("record-result", _failed_by_its_source),
    "a build that left no report": ("record-result", _left_without_a_report),
    "a task that cannot be read": ("reconcile", _cannot_be_read),
    "an execution that runs for too long": ("reconcile", _runs_for_too_long),
    "an upload that lies in no workspace's folder": ("ingest", _lies_in_no_workspace),
    "a run of the reconciler": ("reconcile", _reconciler_runs),
}
"""Name to the function in whose log it is seen, and what brings it about."""


@contextlib.contextmanager
def _account() -> Iterator[Account]:
    with mock_aws():
        account = Account()
        os.environ |= account.environment()
        settings.reset()
        clients.reset()
        yield account


def _lines_of(service: str, cause: Callable[[Account], None], account: Account) -> list[str]:
    metrics.service = metrics.provider.service = service
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        cause(account)
    return [line for line in written.getvalue().splitlines() if '"_aws"' in line]


def main() -> None:
    """Bring every cause about."""
    lines = {}
    for name, (service, cause) in CAUSES.items():
        with _account() as account:
            lines[name] = _lines_of(service, cause, account)
    print(json.dumps(lines))  # noqa: T201 - the command's answer


if __name__ == "__main__":
    main()
