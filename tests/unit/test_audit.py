"""The audit log: every write leaves a line, and every refusal."""

import json
from typing import Any

import pytest

from functions.contracts import settings
from functions.handlers import ingest
from functions.models.workspaces import WorkspacePolicy
from functions.tasks.submission import StartFailedError
from functions.tenancy.policies import Policies
from tests.support.aws_account import OTHER_REPOSITORY, Account
from tests.support.build_api import SOURCE, WORKSPACE
from tests.support.events import LambdaContext, body_of, http_event
from tests.unit.test_ingest import created
from tests.unit.test_tenancy import ADMIN, ALICE, PATH, ROLE, ask, build, put
from tests.unit.test_uploads import body, send


def audit_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the audit log has got since this was asked last."""
    lines = [record.audit for record in caplog.records if hasattr(record, "audit")]
    caplog.clear()
    return lines


def test_a_write_that_is_allowed(policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
    put({"principals": [ROLE]})
    task_id = body_of(build(ALICE))["task_id"]
    written, built = audit_lines(caplog)
    assert written == {
        "who": ADMIN,
        "what": f"PUT {PATH}",
        "from": "127.0.0.1",
        "decision": "allowed",
        "status": 200,
    }
    assert built == {
        "who": ALICE,
        "what": "POST /api/v1/build-and-push",
        "from": "127.0.0.1",
        "workspace": WORKSPACE,
        "on": {"task_id": task_id},
        "decision": "allowed",
        "status": 202,
    }


def test_what_is_refused(policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
    put({"principals": [ROLE]}, arn=ALICE)
    build(ALICE)
    ask(http_event("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks"), ALICE)
    lines = audit_lines(caplog)
    assert [(line["decision"], line["status"]) for line in lines] == [("refused", 404)] * 3
    assert [line.get("workspace") for line in lines] == [None, WORKSPACE, WORKSPACE]


def test_what_never_came_to_the_policy(policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
    build(ALICE, registry_url="https://no")
    ask(http_event("POST", "/api/v1/build-and-push", body=b"x" * 3_000_000), ALICE)
    ask(http_event("POST", "/nowhere"), ALICE)
    assert [(line["decision"], line["status"]) for line in audit_lines(caplog)] == [
        ("refused", 422),
        ("refused", 413),
        ("refused", 404),
    ]


def test_reads_that_are_served_leave_nothing(policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
    put({"principals": [ROLE]})
    audit_lines(caplog)
    ask(http_event("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks"), ALICE)
    ask(http_event("GET", "/health"), ALICE)
    assert audit_lines(caplog) == []


def test_an_object_in_the_bucket(account: Account, policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
    key = f"uploads/{WORKSPACE}/my-app/app.py"
    event = created(key, account.put(key, SOURCE))
    event["detail"] |= {"requester": "123456789012", "source-ip-address": "192.0.2.7"}
    for decision in ("refused", "allowed"):
        ingest.handler(event, LambdaContext())
        (line,) = audit_lines(caplog)
        assert line.pop("on", None) is None or decision == "allowed"
        assert line == {
            "who": "123456789012",
            "what": f"PUT s3:{key}",
            "from": "192.0.2.7",
            "workspace": WORKSPACE,
            "decision": decision,
        }
        policies.write(WORKSPACE, WorkspacePolicy(), "me", None)


def test_a_presigned_upload_arrives_while_its_workspace_is_there(
    account: Account, policies: Policies, caplog: pytest.LogCaptureFixture
) -> None:
    policies.write(WORKSPACE, WorkspacePolicy(principals=[ROLE]), "me", None)
    headers = {"content-type": "application/json"}
    content = json.dumps(body()).encode()
    announced = ask(http_event("POST", "/api/v1/uploads", headers=headers, body=content), ALICE)
    assert announced["statusCode"] == 201, announced["body"]
    arrived = send(account, body_of(announced)["task_id"])
    policies.delete(WORKSPACE)
    audit_lines(caplog)
    assert ingest.handler(arrived, LambdaContext()) is None
    policies.write(WORKSPACE, WorkspacePolicy(), "me", None)
    assert ingest.handler(arrived, LambdaContext()) is not None
    assert [(line["decision"], line["workspace"]) for line in audit_lines(caplog)] == [
        ("refused", WORKSPACE),
        ("allowed", WORKSPACE),
    ]
    assert len(account.executions()) == 1


def test_no_secret_and_no_endless_path(policies: Policies, caplog: pytest.LogCaptureFixture) -> None:
    ask(http_event("DELETE", f"/api/v1/tasks/{'y' * 5000}", query={"workspace_id": WORKSPACE}), ALICE)
    build(ALICE, registry_url=OTHER_REPOSITORY, username="AWS", password="very-secret")
    lines = audit_lines(caplog)
    assert len(lines) == 2
    assert all("very-secret" not in json.dumps(line) and len(line["what"]) < 600 for line in lines)


def test_what_broke_on_the_way_leaves_a_line_too(
    account: Account, policies: Policies, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies.write(WORKSPACE, WorkspacePolicy(), "me", None)
    key = f"uploads/{WORKSPACE}/my-app/app.py"
    event = created(key, account.put(key, SOURCE))
    monkeypatch.setenv("STATE_MACHINE_ARN", account.state_machine_arn + "-gone")
    settings.reset()
    with pytest.raises(StartFailedError):
        ingest.handler(event, LambdaContext())
    (line,) = audit_lines(caplog)
    assert (line["decision"], line["workspace"]) == ("allowed", WORKSPACE)
