"""What a refused request is told: where, what is taken there, what to do. Never the library's own words."""

import json
import re
from typing import Any

import pytest

from tests.support.aws_account import Account
from tests.support.build_api import SOURCE, WORKSPACE, announce, announcement, call, request, started, task, upload
from tests.support.events import body_of, http_event, upload_event


def mismatches(answer: dict[str, Any]) -> dict[str, str]:
    """Message by place."""
    assert answer["statusCode"] == 422, answer["body"]
    found = body_of(answer)["detail"]
    assert isinstance(found, list), found
    for each in found:
        assert not re.search(r"Value error|pattern|Extra inputs|should (?:be|have)", each["msg"]), each
    return {".".join(map(str, each["loc"])): each["msg"] for each in found}


@pytest.fixture(autouse=True)
def _account(account: Account) -> None:
    pass


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("workspace_id", "팀", "letters A-Z and a-z, digits"),
        ("app_name", "a..b", "no '..'"),
        ("app_name", "a" * 64, "Too many characters: 63 at most"),
        ("registry_url", "https://registry.example.com/app", "without a scheme"),
        ("password", "a\x00b", "control characters"),
    ],
)
def test_fields_of_a_form(field: str, value: str, says: str) -> None:
    assert (
        says
        in mismatches(call(upload_event({"workspace_id": WORKSPACE, field: value}, ("app.py", SOURCE))))[
            f"body.{field}"
        ]
    )


def test_a_field_that_is_nearly_right_is_named() -> None:
    (said,) = mismatches(upload(appname="my-function")).values()
    assert "did you mean 'app_name'? Known fields: file, workspace_id, app_name" in said
    (said,) = mismatches(upload(colour="blue")).values()
    assert said.startswith("Unknown field; known fields: file")


def test_a_field_of_json_that_is_nearly_right_is_named_wherever_it_is() -> None:
    said = mismatches(announce(announcement(workspace="w", deploy={"namespace": "default", "replica": 2})))
    assert "did you mean 'workspace_id'?" in said["body.workspace"]
    assert "did you mean 'replicas'?" in said["body.deploy.replica"]
    said = mismatches(upload(deploy='{"namespace": "default", "image": "x"}'))
    assert (
        "Known fields: namespace, function_id" in said["body.deploy.image"]
        or "known fields" in said["body.deploy.image"]
    )


def test_all_problems_are_told_at_once() -> None:
    said = mismatches(announce(announcement(workspace="w", size=0, file_name="notes.txt")))
    assert said.keys() == {"body.workspace", "body.size", "body.file_name"}


@pytest.mark.parametrize(
    ("method", "path", "query", "place", "says"),
    [
        ("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks", {"limit": "1000"}, "query.limit", "100"),
        ("GET", "/api/v1/workspaces/-/tasks", {}, "path.workspace_id", "starting and ending"),
        ("GET", "/api/v1/tasks/x", {}, "query.workspace_id", "required"),
    ],
)
def test_parameters(method: str, path: str, query: dict[str, str], place: str, says: str) -> None:
    assert says in mismatches(call(http_event(method, path, query=query)))[place]


def test_an_idempotency_key() -> None:
    said = mismatches(upload(key="한글"))
    assert "printable ASCII" in next(iter(said.values()))


def test_a_source_that_is_too_large_is_told_the_other_way() -> None:
    answer = upload(("app.py", b"#" * 2_000_001))
    assert answer["statusCode"] == 413
    assert "POST /api/v1/uploads" in body_of(answer)["detail"]
    body = json.dumps(announcement(app_name="x" * 2_000_001)).encode()
    answer = call(http_event("POST", "/api/v1/uploads", headers={"content-type": "application/json"}, body=body))
    assert answer["statusCode"] == 413
    assert "POST" not in body_of(answer)["detail"]


@pytest.mark.parametrize("field", ["app_name", "workspace_id"])
def test_a_name_in_korean_is_told_what_could_be_used(field: str) -> None:
    said = mismatches(upload(key=None, claims=None, **{field: "한글앱"}))[f"body.{field}"]
    assert said.startswith("use the letters A-Z and a-z, digits")
    assert said.endswith("; it has 한, 글, 앱; 'hangeulaep' could be used")
    assert mismatches(announce(announcement(**{field: "한글앱"})))[f"body.{field}"] == said


@pytest.mark.parametrize(("name", "instead"), [("한글앱", "hangeulaep"), ("MyFn", "myfn")])
def test_a_deploy_block_is_told_what_could_be_used(name: str, instead: str) -> None:
    block = json.dumps({"namespace": "default", "app_name": name})
    assert mismatches(upload(deploy=block))["body.deploy.app_name"].endswith(f"; '{instead}' could be used")


class TestNamesThatNoAppCanHave:
    NAME = "My_App.v2"

    def test_the_answer_and_the_task_say_so(self) -> None:
        answer = body_of(upload(app_name=self.NAME))
        warning = f"No app can be deployed under the name '{self.NAME}': use lower-case letters"
        assert answer["message"].startswith(f"Build and push task created. {warning}")
        assert "'my-app-v2' could be used" in answer["message"]
        assert task(answer["task_id"])["warning"].startswith(warning)

    def test_an_announced_upload_says_so(self) -> None:
        assert self.NAME in body_of(announce(announcement(app_name=self.NAME)))["warning"]

    @pytest.mark.parametrize("name", [None, "my-function"])
    def test_nothing_is_said_of_others(self, name: str | None) -> None:
        answer = body_of(upload() if name is None else upload(app_name=name))
        assert answer["message"] == "Build and push task created"
        assert task(answer["task_id"])["warning"] is None


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_path_with_what_no_id_has_is_none_of_the_api(method: str) -> None:
    answer = request(method, "/api/v1/tasks/\x84", workspace_id=WORKSPACE)
    assert answer["statusCode"] == 404
    assert "/docs" in body_of(answer)["detail"]


def test_numbers_that_json_writes_with_a_fraction() -> None:
    assert announce(announcement(size=6.0))["statusCode"] == 201
    assert "body.size" in mismatches(announce(announcement(size=6.5)))


def test_a_deployment_that_waits_has_the_name_that_was_asked_for() -> None:
    task_id = started(deploy='{"namespace": "default", "app_name": "my-function"}')
    row = task(task_id)
    assert row["deployment"]["app_name"] == "my-function"
    assert row["deployment"]["status"] == "pending"
