"""What each request of the build API asks of AWS, call by call. One that is added costs every caller a round trip."""

import json
from typing import Any

import pytest

from tests.support.aws_account import Account
from tests.support.aws_calls import noted_calls
from tests.support.build_api import SOURCE, WORKSPACE, announce, announcement, request, started, upload
from tests.support.tasks import done

GET, QUERY, PUT = "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"
UPDATE, DELETE = "dynamodb:UpdateItem", "dynamodb:DeleteItem"
STORE, START = "s3:PutObject", "stepfunctions:StartExecution"
BUILD = [GET, UPDATE, STORE, PUT, START]
"""Is there an earlier build of the same; a place in the limits; source, row, execution."""


@pytest.fixture
def calls(account: Account, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    started(("app.py", b"first = 1"))  # the first task of a workspace makes the row that counts its tasks
    return noted_calls(monkeypatch)


def of_task(method: str, task_id: str, part: str = "", **query: Any) -> int:
    answer = request(method, f"/api/v1/tasks/{task_id}{part}", workspace_id=WORKSPACE, **query)
    return int(answer["statusCode"])


def test_a_build(calls: list[str]) -> None:
    assert upload()["statusCode"] == 202
    assert calls == BUILD


def test_a_build_that_is_deployed_is_rehearsed(calls: list[str]) -> None:
    assert upload(deploy=json.dumps({"namespace": "default"}))["statusCode"] == 202
    assert calls == ["lambda:Invoke", *BUILD]


def test_a_build_with_a_key_and_again(calls: list[str]) -> None:
    assert upload(key="one")["statusCode"] == 202
    assert calls == [PUT, *BUILD]
    calls.clear()
    assert upload(key="one")["statusCode"] == 202
    assert calls == [PUT, GET, GET, START]  # whose key is it, how far is the task, and was it started


def test_an_upload(calls: list[str]) -> None:
    assert announce(announcement())["statusCode"] == 201
    assert calls == [GET, UPDATE, PUT, GET]  # the row as it is: with a key, another request may have made it


def test_looking_at_a_task(calls: list[str]) -> None:
    task_id = started()
    calls.clear()
    assert of_task("GET", task_id) == 200
    assert calls == [GET, GET]  # and whether builds wait before it
    calls.clear()
    assert of_task("GET", task_id, "/logs") == 200
    assert calls == [GET]
    done(task_id)
    for wait in (0, 5):
        calls.clear()
        assert of_task("GET", task_id, wait=wait) == 200
        assert calls == [GET]


def test_the_list(calls: list[str]) -> None:
    for number in range(3):
        started(("app.py", SOURCE + b"#" * number))
    calls.clear()
    assert request("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks")["statusCode"] == 200
    assert calls == [QUERY]


def test_the_end_of_a_task(calls: list[str]) -> None:
    task_id = started()
    calls.clear()
    assert of_task("DELETE", task_id) == 200
    cancelled = list(calls)
    assert cancelled.count(GET) <= 2
    assert cancelled.count("stepfunctions:StopExecution") == 1
    calls.clear()
    assert of_task("DELETE", task_id) == 200
    listed = "s3:ListObjectVersions"
    assert calls == [
        *(GET, GET),  # the task, and whether its end was announced
        "stepfunctions:StopExecution",
        *(listed, "s3:DeleteObjects", listed, listed),
        *(DELETE, PUT, DELETE, UPDATE),  # what could be reused, the mark of its end, the row, its place
    ]
