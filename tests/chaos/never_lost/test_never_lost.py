"""A task always ends, in done or failed, with a sentence: proved by breaking what it depends on, one thing at a time.

On a cloud of its own: what is broken here would break other tests.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.chaos import aws as faulty_aws
from tests.chaos.chaos import SLEEP, Chaos, reporting, source
from tests.support import components
from tests.support.background import repeatedly
from tests.support.client import PATIENCE

RECONCILER, INGEST = "Reconciler", "Ingest"


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaos]:
    """A cloud to break."""
    faults = tmp_path_factory.mktemp("faults") / "faults.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(faulty_aws.FILE_VARIABLE, str(faults))
        with Cloud(CloudOptions(port=0, aws=faulty_aws.__name__, compile_cache=components.COMPILED)) as cloud:
            client = Chaos(cloud, faults)
            client.done(client.start("app.zip", source()))
            yield client


@pytest.fixture(scope="module")
def unheard(chaos: Chaos) -> str:
    """A task whose execution was aborted while nobody listened to that; the reconciler lets two minutes pass first."""
    rule = chaos.resource("AWS::Events::Rule", "BuildPipeline")
    task_id = chaos.start_sleeping()
    chaos.aws("events").disable_rule(Name=rule)
    chaos.aws("stepfunctions").stop_execution(executionArn=chaos.execution_arn(task_id))
    chaos.until(lambda: chaos.builder_of(task_id) is None)
    chaos.aws("events").enable_rule(Name=rule)
    return task_id


def test_the_builder_is_killed(chaos: Chaos, unheard: str) -> None:
    task_id = chaos.start_sleeping()
    pid = chaos.builder_of(task_id)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert "The build ended without a result (CodeBuild: FAILED, phase " in chaos.failed(task_id)
    chaos.done(chaos.start("app.zip", source("true")))


def test_the_execution_is_aborted(chaos: Chaos) -> None:
    task_id = chaos.start_sleeping()
    chaos.aws("stepfunctions").stop_execution(executionArn=chaos.execution_arn(task_id))
    assert chaos.failed(task_id) == "The build was stopped by an operator. Upload the file again."
    chaos.until(lambda: chaos.builder_of(task_id) is None)


def test_the_build_is_stopped(chaos: Chaos) -> None:
    task_id = chaos.start_sleeping()
    chaos.aws("codebuild").stop_build(id=chaos.row_of(task_id)["build_id"]["S"])
    assert chaos.failed(task_id).startswith("The build was stopped.")


def test_the_execution_times_out(chaos: Chaos) -> None:
    states, arn = chaos.aws("stepfunctions"), chaos.outputs["StateMachineArn"]
    before = states.describe_state_machine(stateMachineArn=arn)["definition"]
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(json.loads(before) | {"TimeoutSeconds": 4}))
    try:
        task_id = chaos.start("app.zip", source(SLEEP))
        assert chaos.failed(task_id) == "The build took longer than it may and was stopped."
    finally:
        states.update_state_machine(stateMachineArn=arn, definition=before)
    chaos.until(lambda: chaos.builder_of(task_id) is None)


def test_codebuild_refuses_to_start(chaos: Chaos) -> None:
    with chaos.without_project():
        task_id = chaos.start("app.zip", source())
        assert chaos.failed(task_id).startswith("The build could not be started (")
    chaos.done(chaos.start("app.zip", source()))


RESULTS = {
    "missing": None,
    "empty": b"",
    "garbage": b"\x00\xff{",
    "of another form": b'["succeeded"]',
    "success without an image": b'{"outcome": "succeeded"}',
    "failure without a reason": b'{"outcome": "failed"}',
    "endless": b'{"outcome": "succeeded", "image_url": "' + b"x" * 300_000 + b'"}',
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_result_is_unusable(chaos: Chaos, tmp_path: Path, name: str) -> None:
    content = RESULTS[name]
    with chaos.buildspec("true" if content is None else reporting(tmp_path, content)):
        error = chaos.failed(chaos.start("app.zip", source()))
    assert error.startswith("The build finished but left no usable result.")


def test_dynamodb_throttles(chaos: Chaos) -> None:
    """The first try of every call, of the API, the builder and the recorder: everyone tries again."""
    fault = {"operation": r"DynamoDB_20120810\..*", "error": "ProvisionedThroughputExceededException"}
    with chaos.failing(fault | {"tries": 1}):
        tasks = [chaos.start("app.zip", source("sleep 1")) for _ in range(3)]
        for task_id in tasks:
            chaos.done(task_id)


def test_dynamodb_is_down_when_the_result_is_recorded(chaos: Chaos) -> None:
    task_id = chaos.start("app.zip", source("true"))
    chaos.until(lambda: f"build-artifacts/{task_id}/result.json" in chaos.keys(f"build-artifacts/{task_id}/"))
    with chaos.failing({"operation": r"DynamoDB_20120810\..*", "error": "InternalServerError"}):
        time.sleep(3)
    chaos.done(task_id)


def test_an_event_comes_three_times_at_once(chaos: Chaos) -> None:
    first = chaos.drop("thrice", "app.zip", source())
    event = _event(chaos, "uploads/my-workspace/thrice/app.zip")
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: chaos.invoke(INGEST, event), range(3)))
    assert answers == [{"task_id": first}] * 3
    chaos.done(first)
    assert chaos.invoke(INGEST, event) == {"task_id": first}
    chaos.done(first)
    assert _tasks_of(chaos, "thrice") == [first]
    chaos.execution_arn(first)


def test_events_of_versions_come_out_of_order(chaos: Chaos) -> None:
    """Each version is built once, whichever event is first and whatever is in the bucket by then."""
    key = "uploads/my-workspace/disordered/app.zip"
    s3, bucket = chaos.aws("s3"), chaos.outputs["CodeBucket"]
    versions = [
        s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        for body in (source(), source("echo second; exit 1"))
    ]
    events = [_event(chaos, key, version) for version in versions]
    second, first, again = (chaos.invoke(INGEST, events[number])["task_id"] for number in (1, 0, 1))
    assert second == again != first
    chaos.done(first)
    assert "second" in chaos.failed(second)
    assert set(_tasks_of(chaos, "disordered")) == {first, second}


def test_the_execution_cannot_be_started(chaos: Chaos) -> None:
    """The row is there, the execution is not: the caller is told at once, and the task has failed."""
    states, arn = chaos.aws("stepfunctions"), chaos.outputs["StateMachineArn"]
    before = {row["task_id"]["S"] for row in chaos.rows()}
    with chaos.failing({"operation": r"AWSStepFunctions\.StartExecution", "error": "AccessDeniedException"}):
        answer = chaos.upload("app.zip", source())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    (task_id,) = {row["task_id"]["S"] for row in chaos.rows() if "status" in row} - before
    assert task_id in answer.json()["detail"]
    assert chaos.failed(task_id) == "The build could not be started. Upload the file again."
    assert task_id not in {e["name"] for e in states.list_executions(stateMachineArn=arn)["executions"]}


def test_the_maker_dies_between_row_and_execution(chaos: Chaos) -> None:
    """The reconciler starts what was to be started, and ends what nobody waits for any more."""
    recent, old = chaos.backdated(5), chaos.backdated(90)
    chaos.invoke(RECONCILER)
    chaos.done(recent)
    assert chaos.failed(old) == "The build could not be started for an hour. Upload the file again."
    chaos.invoke(RECONCILER)
    chaos.execution_arn(recent)


def test_fifty_at_once(chaos: Chaos, tmp_path: Path) -> None:
    """They queue: each is accepted, built once, done; and the API answers all the while.

    Their builds take no time: it is the queue that is looked at.
    """
    answered: list[int] = []
    with (
        chaos.buildspec(reporting(tmp_path, b'{"outcome": "succeeded", "image_url": "example.com/app:1"}')),
        repeatedly(lambda: answered.append(chaos.http.get("/health").status_code)),
        ThreadPoolExecutor(50) as threads,
    ):
        tasks = list(threads.map(lambda _: _start_in_the_crowd(chaos), range(50)))
        assert len(set(tasks)) == 50
        ended = [chaos.wait(task_id, "crowd") for task_id in tasks]
        assert {(task["status"], task["error"]) for task in ended} == {("done", None)}
    assert set(answered) == {200}
    executions = Counter(e["name"] for e in chaos.executions())
    assert {executions[task_id] for task_id in tasks} == {1}
    builds = Counter(
        variable["value"]
        for build in chaos.builds()
        for variable in build["environment"]["environmentVariables"]
        if variable["name"] == "TASK_ID"
    )
    assert {builds[task_id] for task_id in tasks} == {1}


def test_the_event_of_an_end_is_lost(chaos: Chaos, unheard: str) -> None:
    made = int(unheard.replace("-", "")[:12], 16) / 1000
    assert chaos.task(unheard)["status"] == "building"
    time.sleep(max(0.0, made + 125 - time.time()))
    chaos.invoke(RECONCILER)
    assert chaos.failed(unheard) == "The build was stopped by an operator. Upload the file again."


def test_nothing_is_left_open(chaos: Chaos, unheard: str) -> None:
    statuses = {row["task_id"]["S"]: row["status"]["S"] for row in chaos.rows() if "status" in row}
    assert set(statuses.values()) == {"done", "failed"}


def _event(chaos: Chaos, key: str, version: str | None = None) -> dict[str, Any]:
    """What EventBridge hands over for an object (S3, "Object Created"), as far as it is read."""
    bucket = chaos.outputs["CodeBucket"]
    version = version or chaos.aws("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key, "version-id": version}},
    }


def _start_in_the_crowd(chaos: Chaos) -> str:
    """As a caller does: an upload that is throttled is sent again, also where Lambda throttles (503 of API Gateway)."""
    content, deadline = source(), time.monotonic() + PATIENCE
    while (answer := chaos.upload("app.zip", content, workspace_id="crowd")).status_code in {429, 503}:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["task_id"])


def _tasks_of(chaos: Chaos, app_name: str) -> list[str]:
    return [row["task_id"]["S"] for row in chaos.rows() if row.get("app_name", {}).get("S") == app_name]
