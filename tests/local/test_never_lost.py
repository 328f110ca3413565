"""A task always ends, in done or failed, with a sentence: proved by breaking what it depends on, one thing at a time.

On a cloud of its own: what is broken here would break other tests.
"""

import json
import os
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.cloud import Cloud, CloudOptions
from tests.local.client import COMPONENT, Client, spin_toml, zipped

SLEEP = "sleep 1000"
RECONCILER, INGEST, CLOSER = "Reconciler", "Ingest", "ExecutionEnded"


def source(command: str | None = None) -> bytes:
    """One that is like no other."""
    return zipped(**{"spin.toml": spin_toml(command), "app.wasm": COMPONENT, "nonce": secrets.token_bytes(16)})


class Chaos(Client):
    """A client that also breaks things, and mends them."""

    def __init__(self, cloud: Cloud, faults: Path) -> None:
        super().__init__(cloud)
        self._faults = faults
        resources = self.aws("cloudformation").describe_stack_resources(StackName="BlueFaas")["StackResources"]
        self._resources = [(r["ResourceType"], r["LogicalResourceId"], r["PhysicalResourceId"]) for r in resources]

    def resource(self, kind: str, named: str = "") -> str:
        """Physical id of the one resource of a type whose logical id begins so."""
        (found,) = [p for resource, logical, p in self._resources if resource == kind and logical.startswith(named)]
        return str(found)

    def invoke(self, function: str, event: Any = None) -> Any:
        """Invoke a function of the stack, as its event source would."""
        name = self.resource("AWS::Lambda::Function", function)
        answer = self.aws("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.loads(answer["Payload"].read())

    def start_sleeping(self) -> str:
        """A task whose build goes on until something ends it."""
        task_id = self.start("app.zip", source(SLEEP))
        self.until(lambda: "build_id" in self.row_of(task_id))
        return task_id

    def row_of(self, task_id: str) -> dict[str, Any]:
        """The task's row."""
        (row,) = [row for row in self.rows() if row["task_id"]["S"] == task_id and "status" in row]
        return row

    def builder_of(self, task_id: str) -> int | None:
        """Process id of the builder at work on a task: the parent of its sandbox."""
        for folder in Path("/proc").iterdir():
            try:
                if not folder.name.isdecimal() or b"-m\0builder" not in (folder / "cmdline").read_bytes():
                    continue
                if f"TASK_ID={task_id}".encode() in (folder / "environ").read_bytes():
                    return int(folder.name)
            except OSError:
                continue
        return None

    def execution_arn(self, task_id: str) -> str:
        """Of the task's one execution."""
        (execution,) = [e for e in self.executions() if e["name"] == task_id]
        return str(execution["executionArn"])

    def failed(self, task_id: str, seconds: float = 120) -> str:
        """The error of a task that has to fail."""
        task = self.wait(task_id, seconds=seconds)
        assert task["status"] == "failed"
        assert task["result"] is None
        return str(task["error"])

    def done(self, task_id: str) -> None:
        """Hold that a task ends well."""
        task = self.wait(task_id)
        assert task["status"] == "done", task["error"]

    @staticmethod
    def until(condition: Any, seconds: float = 60) -> None:
        """Wait for something."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    @contextmanager
    def failing(self, *faults: dict[str, Any]) -> Iterator[None]:
        """Requests to AWS that fail for a while (`local.aws.faults`)."""
        draft = self._faults.with_suffix(".draft")
        draft.write_text(json.dumps(faults))
        draft.replace(self._faults)
        try:
            yield
        finally:
            self._faults.unlink()

    @contextmanager
    def without_project(self) -> Iterator[None]:
        """The CodeBuild project is gone for a while."""
        codebuild, before = self.aws("codebuild"), self._project()
        codebuild.delete_project(name=before["name"])
        try:
            yield
        finally:
            known = codebuild.meta.service_model.operation_model("CreateProject").input_shape.members
            codebuild.create_project(**{name: value for name, value in before.items() if name in known})

    @contextmanager
    def buildspec(self, command: str) -> Iterator[None]:
        """Builds run this command in place of the builder, for a while."""
        codebuild, before = self.aws("codebuild"), self._project()
        spec = {"version": 0.2, "phases": {"build": {"commands": [command]}}}
        changed = {"type": "NO_SOURCE", "buildspec": json.dumps(spec)}
        codebuild.update_project(name=before["name"], source=changed)
        try:
            yield
        finally:
            codebuild.update_project(name=before["name"], source=before["source"])

    def _project(self) -> dict[str, Any]:
        name = self.resource("AWS::CodeBuild::Project")
        found: dict[str, Any] = self.aws("codebuild").batch_get_projects(names=[name])["projects"][0]
        return found

    def backdated(self, minutes: int) -> str:
        """The row of a task whose maker died right after writing it, so long ago; its source is there."""
        made = int((time.time() - minutes * 60) * 1000)
        task_id = f"{made >> 16:08x}-{made & 0xFFFF:04x}-7{secrets.token_hex(2)[1:]}-8{secrets.token_hex(2)[1:]}-"
        task_id += secrets.token_hex(6)
        like = next(row for row in self.rows() if row.get("status", {}).get("S") == "done")
        key = f"build-sources/my-workspace/{task_id}/app.zip"
        moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(made / 1000))
        kept = ("workspace_id", "image_repository", "expires_at")
        row = {name: like[name] for name in kept} | {
            "task_id": {"S": task_id},
            "status": {"S": "pending"},
            "source_key": {"S": key},
            "created_at": {"S": moment},
            "updated_at": {"S": moment},
            "unsettled": {"S": "task"},
        }
        self.aws("s3").put_object(Bucket=self.outputs["CodeBucket"], Key=key, Body=source())
        self.aws("dynamodb").put_item(TableName=self.outputs["TaskTable"], Item=row)
        return task_id


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaos]:
    """A cloud to break."""
    faults = tmp_path_factory.mktemp("faults") / "faults.json"
    with Cloud(CloudOptions(port=0, faults_file=faults)) as cloud:
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
    program = tmp_path / "put.py"
    program.write_text(
        "import boto3, os\nkey = f'build-artifacts/{os.environ[\"TASK_ID\"]}/result.json'\n"
        f"boto3.client('s3').put_object(Bucket=os.environ['CODE_BUCKET'], Key=key, Body={content!r})\n"
    )
    with chaos.buildspec("true" if content is None else f"{sys.executable} {program}"):
        error = chaos.failed(chaos.start("app.zip", source()))
    assert error.startswith("The build finished but left no usable result.")


def test_dynamodb_throttles(chaos: Chaos) -> None:
    """Half of all requests, of the API, the builder and the recorder: everyone tries again."""
    fault = {"operation": r"DynamoDB_20120810\..*", "error": "ProvisionedThroughputExceededException"}
    with chaos.failing(fault | {"fail": 1, "of": 2}):
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


def test_fifty_at_once(chaos: Chaos) -> None:
    """They queue: each is accepted, built once, done; and the API answers all the while."""
    answered: list[int] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.05):
            answered.append(chaos.http.get("/health").status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        with ThreadPoolExecutor(50) as threads:
            tasks = list(threads.map(lambda _: chaos.start("app.zip", source(), workspace_id="crowd"), range(50)))
        assert len(set(tasks)) == 50
        assert {chaos.wait(task_id, "crowd")["status"] for task_id in tasks} == {"done"}
    finally:
        over.set()
        asking.join()
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


def _tasks_of(chaos: Chaos, app_name: str) -> list[str]:
    return [row["task_id"]["S"] for row in chaos.rows() if row.get("app_name", {}).get("S") == app_name]
