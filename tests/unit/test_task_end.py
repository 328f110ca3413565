"""How a task ends: by the builder's report, or by what is known without one; once, and forward only."""

import json
from typing import Any

import pytest

from functions.contracts.build_result import BuildResult
from functions.contracts.task import TaskKey, result_key
from functions.handlers import close_task, record_result
from tests.support.aws_account import BUCKET, Account
from tests.support.events import LambdaContext
from tests.support.tasks import WORKSPACE, create, failed, outcomes

TASK = "01a20fe6-bb1b-747b-ac1d-6d7ba8fb4677"
IDS = {"workspace_id": WORKSPACE, "task_id": TASK}
DIGEST = "sha256:" + "a" * 64
SUCCESS = BuildResult(
    outcome="succeeded",
    image_url="host/repo:tag",
    digest=DIGEST,
    wasm_size=37_000_000,
    toolchain={"spin": "3.6.3"},
    durations={"push": 1.25},
)


@pytest.fixture
def task(account: Account) -> Account:
    """A pending task that holds a registry password."""
    create(TASK)
    return account


def record(**more: str | bool) -> dict[str, Any]:
    answer: dict[str, Any] = record_result.handler({**IDS, **more}, LambdaContext())
    return answer


def report(account: Account, result: BuildResult | bytes) -> None:
    content = result if isinstance(result, bytes) else result.model_dump_json().encode()
    account.put(result_key(TASK), content)


def row(account: Account) -> dict[str, Any]:
    (only,) = account.rows()
    return only


def test_success_is_recorded_with_all_that_the_builder_reported(task: Account) -> None:
    report(task, SUCCESS)
    assert record()["status"] == "done"
    assert row(task)["status"] == "done"
    assert row(task)["result"] == {
        "wasm_path": f"s3://{BUCKET}/build-artifacts/{TASK}/app.wasm",
        "image_url": "host/repo:tag",
        "digest": DIGEST,
        "size": 37_000_000,
        "duration_ms": {"push": 1250},
        "toolchain": {"spin": "3.6.3"},
    }


def test_the_write_that_ends_a_task_forgets_its_password(task: Account) -> None:
    report(task, SUCCESS)
    record()
    assert "registry_credentials" not in row(task)


def test_a_failure_carries_the_builders_text(task: Account) -> None:
    report(task, BuildResult(outcome="failed", error="MyPy validation failed: app.py:10: error: Incompatible types"))
    assert record(error="States.TaskFailed", cause="{}")["status"] == "failed"
    assert row(task)["error"] == "MyPy validation failed: app.py:10: error: Incompatible types"
    assert "registry_credentials" not in row(task)


@pytest.mark.parametrize("content", [b"", b"garbage", b"[]", b'{"outcome": "perhaps"}', b"x" * 300_000])
def test_an_unusable_report_ends_the_task_with_a_sentence(task: Account, content: bytes) -> None:
    report(task, content)
    assert record()["status"] == "failed"
    assert TASK in row(task)["error"]


def test_no_report_at_all(task: Account) -> None:
    assert record()["status"] == "failed"
    assert "no usable result" in row(task)["error"]


BUILD = {"BuildStatus": "FAILED", "CurrentPhase": "COMPLETED", "Environment": {"Secret": "do-not-show"}}


@pytest.mark.parametrize(
    ("error", "cause", "says"),
    [
        ("States.TaskFailed", json.dumps({"Build": BUILD}), "CodeBuild: FAILED"),
        ("States.TaskFailed", json.dumps(BUILD), "CodeBuild: FAILED"),
        ("States.TaskFailed", json.dumps({"Build": {**BUILD, "BuildStatus": "TIMED_OUT"}}), "longer than it may"),
        ("States.TaskFailed", json.dumps({"Build": {**BUILD, "BuildStatus": "STOPPED"}}), "was stopped"),
        ("States.Timeout", "", "longer than it may"),
        ("CodeBuild.AccountLimitExceededException", "Cannot have more", "could not be started"),
        ("States.Runtime", "not json", "failed unexpectedly"),
        ("States.TaskFailed", "[1]", "failed unexpectedly"),
    ],
)
def test_a_failure_without_report_says_what_is_known(task: Account, error: str, cause: str, says: str) -> None:
    assert record(error=error, cause=cause)["status"] == "failed"
    assert says in row(task)["error"]
    assert "do-not-show" not in row(task)["error"]


@pytest.mark.parametrize("unexpected", [True, False])
def test_a_failure_of_the_builder_itself_is_counted_apart(
    task: Account, capsys: pytest.CaptureFixture[str], *, unexpected: bool
) -> None:
    report(task, BuildResult(outcome="failed", error="The builder failed", unexpected=unexpected))
    record(error="States.TaskFailed", cause="{}")
    assert ("TaskFailedUnexpectedly" in capsys.readouterr().out) is unexpected


def test_a_task_ends_once(task: Account) -> None:
    report(task, SUCCESS)
    record()
    assert record(error="States.Timeout")["status"] == "done"
    assert not outcomes().fail(TaskKey(WORKSPACE, TASK), "too late")
    assert row(task)["status"] == "done"
    assert "error" not in row(task)


def test_a_row_that_is_gone_ends_nothing(account: Account) -> None:
    assert record() == {"next": "skip"}
    assert account.rows() == []


def test_the_execution_is_told_what_came_of_a_build(account: Account) -> None:
    create(TASK, app_name="my-function", source_key="build-sources/x/한글.py")
    report(account, SUCCESS)
    assert record(build_log_url="https://console.example/log") == {
        "next": "done",
        "status": "done",
        "file_name": "한글.py",
        "app_name": "my-function",
        "image_url": "host/repo:tag",
        "digest": DIGEST,
        "wasm_path": f"s3://{BUCKET}/build-artifacts/{TASK}/app.wasm",
        "size": 37_000_000,
        "duration": {"push": 1.25},
        "cached": False,
        "build_log_url": "https://console.example/log",
    }


def test_the_execution_is_told_why_a_build_failed_and_where_its_log_is(task: Account) -> None:
    report(task, BuildResult(outcome="failed", error="MyPy validation failed: app.py:10"))
    build = {"Build": {**BUILD, "Logs": {"DeepLink": "https://console.example/log"}}}
    assert record(error="States.TaskFailed", cause=json.dumps(build)) == {
        "next": "fail",
        "status": "failed",
        "file_name": "app.py",
        "error": "MyPy validation failed: app.py:10",
        "build_log_url": "https://console.example/log",
    }


def test_the_longest_error_fits_the_cause_of_an_execution(task: Account) -> None:
    report(task, BuildResult(outcome="failed", error="한" * 50_000))
    told = record(error="States.TaskFailed", cause="{}")
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_ExecutionFailedEventDetails.html
    assert 10_000 < len(told["error"]) <= 32_768
    assert len(json.dumps(told, ensure_ascii=False).encode()) < 256 * 1024


@pytest.mark.parametrize("ended_before", [True, False])
def test_a_deploy_block_is_told_by_its_namespace_alone(account: Account, *, ended_before: bool) -> None:
    create(TASK, deploy={"namespace": "default", "options": '{"variables": {"token": "do-not-show"}}'})
    report(account, SUCCESS)
    told = record()
    if ended_before:
        told = record(ended_before=True)
    assert (told["next"], told["deploy_to"]) == ("deploy", "default")
    assert "do-not-show" not in json.dumps(told)


def test_what_was_deployed_before_is_not_deployed_again(account: Account) -> None:
    create(TASK, deploy={"namespace": "default", "options": "{}"}, deployment='{"error": "no"}')
    report(account, SUCCESS)
    assert record()["next"] == "done"


@pytest.mark.parametrize("end", ["cancelled", "still running"])
def test_an_execution_with_nothing_to_do_is_skipped(task: Account, end: str) -> None:
    if end == "cancelled":
        failed(TASK, "Cancelled")
    told = record(ended_before=True)
    assert told["next"] == "skip"
    assert row(task)["status"] == ("failed" if end == "cancelled" else "pending"), "it is read, not ended"


@pytest.mark.parametrize(
    ("status", "says"), [("TIMED_OUT", "longer than it may"), ("ABORTED", "stopped"), ("FAILED", "unexpectedly")]
)
def test_an_execution_that_ended_without_a_word(task: Account, status: str, says: str) -> None:
    event = {"detail": {"name": TASK, "status": status, "input": json.dumps(IDS)}}
    close_task.handler(event, LambdaContext())
    assert row(task)["status"] == "failed"
    assert says in row(task)["error"]


def test_an_aborted_execution_whose_build_had_finished_is_done(task: Account) -> None:
    report(task, SUCCESS)
    close_task.handler({"detail": {"status": "ABORTED", "input": json.dumps(IDS)}}, LambdaContext())
    assert row(task)["status"] == "done"
