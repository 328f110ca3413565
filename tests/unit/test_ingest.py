"""Sources dropped into S3: built once per object version; what cannot be built is told to somebody."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from functions.aws import clients
from functions.handlers import ingest
from functions.models.events import UploadRefused
from functions.tasks.submission import StartFailedError
from tests.support.aws_account import BUCKET, OWN_REPOSITORY, Account
from tests.support.build_api import request
from tests.support.bus import Subscriber, breaker
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
    ("key", "says"),
    [
        ("uploads/my-workspace/app.py", "it lies in no app's folder"),
        ("uploads/my-workspace/my-function/deeper/app.py", "it lies in a folder of the app's folder"),
        ("uploads/my-workspace/my-function/note.txt", "only .py and .zip files can be built"),
        ("uploads/my-workspace/my-function/" + "한" * 70 + ".py", "longer than 200 bytes"),
        ("uploads/my-workspace/한글앱/app.py", "'한글앱' cannot be the name of an app: use the letters A-Z and a-z"),
        (
            "uploads/my-workspace/한글앱/app.py",
            "; it has 한, 글, 앱; 'hangeulaep' could be used; the file may have any name",
        ),
        ("uploads/my-workspace/my function/app.py", "'my function' cannot be the name of an app"),
        ("uploads/my-workspace//app.py", "'' cannot be the name of an app"),
    ],
)
def test_what_cannot_be_built_is_a_failed_task_of_its_workspace(account: Account, key: str, says: str) -> None:
    event = created(key, account.put(key, b"x = 1\n"))
    answers = [deliver(event) for _ in range(2)]
    (row,) = account.rows()
    assert answers == [{"task_id": row["task_id"]}] * 2
    assert (row["workspace_id"], row["status"]) == ("my-workspace", "failed")
    assert says in row["error"]
    assert "Put the file at uploads/{workspace_id}/{app_name}/{file}." in row["error"]
    assert not account.executions()


def test_a_failed_task_of_an_upload_that_was_deleted_stays_deleted(account: Account) -> None:
    key = "uploads/my-workspace/my-function/note.txt"
    event = created(key, account.put(key, b"x = 1\n"))
    answer = deliver(event)
    assert answer is not None
    path = f"/api/v1/tasks/{answer['task_id']}"
    assert request("DELETE", path, workspace_id="my-workspace")["statusCode"] == 200
    assert deliver(event) is None
    assert not account.rows()


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("uploads/app.py", "it lies in no workspace's folder"),
        ("uploads-staged/my-workspace/app.py", "it does not lie under uploads/"),
        ("my-workspace/my-function/app.py", "it does not lie under uploads/"),
        ("uploads/my workspace/my-function/app.py", "'my workspace' is no workspace id"),
        ("uploads/../my-function/app.py", "'..' is no workspace id"),
        ("uploads/한글/my-function/app.py", "'한글' is no workspace id: use the letters A-Z and a-z"),
    ],
)
def test_what_no_workspace_can_be_told_of_is_announced(
    account: Account, capsys: pytest.CaptureFixture[str], key: str, says: str
) -> None:
    subscriber = Subscriber("Upload Refused")
    version = account.put(key, b"x = 1\n")
    assert deliver(created(key, version)) is None
    (detail,) = subscriber.received()
    subscriber.close()
    event = UploadRefused.model_validate(detail)
    assert (event.key, event.version_id) == (key, version)
    assert says in event.error
    assert not account.rows()
    assert '"UploadWithoutTask":[1.0]' in capsys.readouterr().out


def test_an_announcement_that_is_not_taken_is_delivered_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker(monkeypatch)("PutEvents")
    with pytest.raises(ClientError):
        deliver(created("uploads/app.py", account.put("uploads/app.py", b"x = 1\n")))


def test_a_folder_is_no_upload(account: Account) -> None:
    assert (
        deliver(created("uploads/my-workspace/my-function/", account.put("uploads/my-workspace/my-function/", b"")))
        is None
    )
    assert not account.rows()


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
