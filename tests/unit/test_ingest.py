"""Sources dropped into S3: built once per object version, ignored when they cannot name a task."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from functions.aws import clients
from functions.handlers import ingest
from functions.tasks.submission import StartFailedError
from tests.support.aws_account import BUCKET, OWN_REPOSITORY, Account
from tests.support.events import LambdaContext


def created(key: str, version_id: str) -> dict[str, Any]:
    """The event "Object Created" as EventBridge delivers it (keys are not URL-encoded there)."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": key, "version-id": version_id}},
    }


def deliver(event: dict[str, Any]) -> dict[str, str] | None:
    answer: dict[str, str] | None = ingest.handler(event, LambdaContext())
    return answer


def test_an_upload_becomes_a_task(account: Account) -> None:
    key = "uploads/my-workspace/my-function/한글 app.py"
    answer = deliver(created(key, account.put(key, b"x = 1\n")))
    assert answer is not None
    (row,) = account.rows()
    assert row["task_id"] == answer["task_id"]
    assert row["workspace_id"] == "my-workspace"
    assert row["app_name"] == "my-function"
    assert row["image_repository"] == OWN_REPOSITORY
    stored = f"build-sources/my-workspace/{answer['task_id']}/한글 app.py"
    assert boto3.client("s3").get_object(Bucket=BUCKET, Key=stored)["Body"].read() == b"x = 1\n"
    assert account.executions() == [answer["task_id"]]


def test_the_same_version_delivered_three_times_is_one_task(account: Account) -> None:
    key = "uploads/my-workspace/my-function/app.py"
    event = created(key, account.put(key, b"x = 1\n"))
    answers = [deliver(event) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(account.rows()) == 1
    assert len(account.executions()) == 1


def test_a_new_version_is_a_new_task_whatever_the_order(account: Account) -> None:
    key = "uploads/my-workspace/my-function/app.py"
    first, second = account.put(key, b"x = 1\n"), account.put(key, b"x = 2\n")
    later, earlier = deliver(created(key, second)), deliver(created(key, first))
    assert later is not None
    assert earlier is not None
    sources = {
        answer["task_id"]: boto3.client("s3")
        .get_object(Bucket=BUCKET, Key=f"build-sources/my-workspace/{answer['task_id']}/app.py")["Body"]
        .read()
        for answer in (later, earlier)
    }
    assert sources == {later["task_id"]: b"x = 2\n", earlier["task_id"]: b"x = 1\n"}


@pytest.mark.parametrize(
    "key",
    [
        "uploads/app.py",
        "uploads/my-workspace/app.py",
        "uploads/my-workspace/my-function/deeper/app.py",
        "uploads/my workspace/my-function/app.py",
        "uploads/../my-function/app.py",
        "uploads/my-workspace/my-function/app.txt",
        "uploads/my-workspace/my-function/",
    ],
)
def test_keys_that_name_no_task_are_left_alone(account: Account, key: str) -> None:
    assert deliver(created(key, account.put(key, b"x = 1\n"))) is None
    assert not account.rows()
    assert not account.executions()


def test_a_version_that_is_gone_is_left_alone(account: Account) -> None:
    key = "uploads/my-workspace/my-function/app.py"
    version = account.put(key, b"x = 1\n")
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=key, VersionId=version)
    assert deliver(created(key, version)) is None
    assert not account.rows()


def test_a_version_that_is_gone_reads_as_forbidden_without_the_right_to_list(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function's role may not list ``uploads/``: S3 then answers 403 where 404 is meant."""
    s3 = boto3.client("s3")
    monkeypatch.setitem(vars(clients), "s3", s3)
    with Stubber(s3) as stubber:
        stubber.add_client_error("head_object", service_error_code="403", http_status_code=403)
        assert deliver(created("uploads/my-workspace/my-function/app.py", "3sL4kqtJlcpXroDTDmJ")) is None
        stubber.add_client_error("head_object", service_error_code="503", http_status_code=503)
        with pytest.raises(ClientError):
            deliver(created("uploads/my-workspace/my-function/app.py", "3sL4kqtJlcpXroDTDmJ"))
    assert not account.rows()


def test_an_execution_that_cannot_be_started_is_started_by_the_next_delivery(account: Account) -> None:
    """Lambda delivers an event again after an error: until then the task waits, it has not failed."""
    key = "uploads/my-workspace/my-function/app.py"
    event = created(key, account.put(key, b"x = 1\n"))
    with account.without_state_machine(), pytest.raises(StartFailedError):
        deliver(event)
    (row,) = account.rows()
    assert row["status"] == "pending"
    assert deliver(event) == {"task_id": row["task_id"]}
    assert account.executions() == [row["task_id"]]
