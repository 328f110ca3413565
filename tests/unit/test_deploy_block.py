"""The ``deploy`` field of a build: checked when it comes in, kept in the row, shown by the task."""

import hashlib
import json
from typing import Any

import boto3
import pytest

from tests.support.aws_account import TABLE, Account
from tests.support.build_api import SOURCE, WORKSPACE, announce, started, task, upload
from tests.support.events import body_of

BLOCK = {
    "namespace": "default",
    "app_name": "my-function",
    "use_spot": False,
    "variables": {"a": "1", "b": {"secret": "database", "key": "password"}, "c": None},
}


def record(task_id: str, **fields: Any) -> None:
    """What the state machine and the recorder write."""
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in fields)
    boto3.resource("dynamodb").Table(TABLE).update_item(
        Key={"workspace_id": WORKSPACE, "task_id": task_id},
        UpdateExpression=expression,
        ExpressionAttributeNames={f"#{name}": name for name in fields},
        ExpressionAttributeValues={f":{name}": value for name, value in fields.items()},
    )


def deployment_of(task_id: str) -> Any:
    return task(task_id)["deployment"]


@pytest.mark.filterwarnings("error:Pydantic serializer")
def test_it_is_kept_as_it_was_sent_and_shown_as_pending(account: Account) -> None:
    task_id = started(deploy=json.dumps(BLOCK), claims={"sub": "user-1"})
    (row,) = [row for row in account.rows() if row["task_id"] == task_id]
    assert json.loads(row["deploy"]["options"]) == BLOCK
    assert (row["deploy"]["namespace"], row["deploy"]["requested_by"]) == ("default", "user-1")
    assert deployment_of(task_id)["status"] == "pending"


def test_a_build_without_it_shows_none(account: Account) -> None:
    assert deployment_of(started()) is None
    assert deployment_of(started(("other.py", b"y = 1\n"), deploy="")) is None


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ("not json", []),
        ("[]", []),
        (json.dumps({}), ["namespace"]),
        (json.dumps({**BLOCK, "image_ref": "a.example/b:c"}), ["image_ref"]),
        (json.dumps({**BLOCK, "replicas": "3"}), ["replicas"]),
        (json.dumps({**BLOCK, "min_replicas": 5, "max_replicas": 2}), []),
    ],
)
def test_one_that_no_deploy_would_take_is_refused(account: Account, block: str, place: list[str]) -> None:
    answer = upload(deploy=block)
    assert answer["statusCode"] == 422
    (problem,) = body_of(answer)["detail"]
    assert problem["loc"] == ["body", "deploy", *place]
    assert account.is_empty()


def test_what_came_of_it(account: Account) -> None:
    task_id = started(deploy=json.dumps(BLOCK))
    answer = {"app_name": "my-function", "namespace": "default", "endpoint": "my-function.default.svc.cluster.local",
              "image": "host/app:v1", "digest": "sha256:1", "revision": 4, "url": "http://my.example.com/",
              "error": None, "rollout": None}  # fmt: skip
    record(task_id, status="done", deployment=json.dumps(answer))
    deployment = deployment_of(task_id)
    assert deployment.pop("unchecked") is None
    assert deployment == {"status": "deployed", **{k: v for k, v in answer.items() if k != "rollout"}}


def test_why_nothing_came_of_it(account: Account) -> None:
    task_id = started(deploy=json.dumps(BLOCK))
    record(task_id, status="done", deployment=json.dumps({"error": "Namespace 'default' not found"}))
    deployment = deployment_of(task_id)
    assert (deployment["status"], deployment["error"]) == ("failed", "Namespace 'default' not found")


def test_a_build_that_failed_deploys_nothing(account: Account) -> None:
    task_id = started(deploy=json.dumps(BLOCK))
    record(task_id, status="failed", error="MyPy validation failed")
    assert deployment_of(task_id) is None


def announcement(**changed: Any) -> dict[str, Any]:
    digest = hashlib.sha256(SOURCE).hexdigest()
    return {"workspace_id": WORKSPACE, "file_name": "app.py", "size": len(SOURCE), "sha256": digest, **changed}


def test_an_announced_upload_takes_it_too(account: Account) -> None:
    answer = announce(announcement(deploy=BLOCK), claims={"sub": "user-1"})
    assert answer["statusCode"] == 201, answer["body"]
    (row,) = account.rows()
    assert json.loads(row["deploy"]["options"]) == BLOCK
    assert (row["deploy"]["namespace"], row["deploy"]["requested_by"]) == ("default", "user-1")
    assert deployment_of(row["task_id"])["status"] == "pending"


@pytest.mark.parametrize(
    ("changed", "place"), [({"image_ref": "a.example/b:c"}, "image_ref"), ({"replicas": "3"}, "replicas")]
)
def test_an_announced_upload_is_refused_with_one_that_no_deploy_would_take(
    account: Account, changed: dict[str, Any], place: str
) -> None:
    answer = announce(announcement(deploy=BLOCK | changed))
    assert answer["statusCode"] == 422
    (problem,) = body_of(answer)["detail"]
    assert problem["loc"] == ["body", "deploy", place]
    assert account.is_empty()
