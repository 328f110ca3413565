"""The process itself: how it starts, stops, keeps its state, and what it leaves behind."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local.aws.__main__ import parse
from local.aws.seams import MINISTACK_VERSION, MinistackVersionError, check_version
from local.tests.aws.builds import make_project
from local.tests.aws.builds import start as start_build
from local.tests.aws.conftest import ROOT, Cloud, eventually, start, stop
from local.tests.aws.test_build_processes import running, stubborn
from local.tests.aws.test_step_functions import build_state, ended, execute


def test_another_version_of_ministack_is_refused() -> None:
    check_version(MINISTACK_VERSION)
    with pytest.raises(MinistackVersionError) as refused:
        check_version("1.6.0")
    assert f"ministack 1.6.0 is installed, the one-machine cloud needs {MINISTACK_VERSION}" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = ["--port", str(port), "--state-dir", str(tmp_path / "state")]
        result = subprocess.run(
            [sys.executable, "-m", "local.aws", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert result.returncode == 1
    assert result.stderr == f"The AWS APIs cannot be served at http://127.0.0.1:{port}: Address already in use\n"
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("concurrency", ["0", "1"])
def test_at_least_one_build_at_a_time(concurrency: str, tmp_path: Path) -> None:
    arguments = ["--port", "1", "--state-dir", str(tmp_path), "--codebuild-concurrency", concurrency]
    if concurrency == "1":
        assert parse(arguments).concurrent_builds == 1
    else:
        with pytest.raises(SystemExit):
            parse(arguments)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Cloud]]:
    """Starts the process in one and the same folder; what a test leaves running is stopped."""
    started: list[Cloud] = []

    def make(*options: str) -> Cloud:
        started.append(start(tmp_path, *options))
        return started[-1]

    yield make
    for cloud in started:
        if cloud.process.poll() is None:
            stop(cloud)


def test_the_shell_that_starts_it_does_not_shine_through(
    launch: Callable[..., Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere.invalid")
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("MINISTACK_REGION", "us-east-1")
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "x")
    cloud = launch("--account", "210987654321", "--region", "eu-west-1")
    monkeypatch.undo()
    assert cloud.client("sts").get_caller_identity()["Account"] == "210987654321"
    project = make_project(
        cloud, {"build": {"commands": ["env > ../../../env.part", "mv ../../../env.part ../../../env"]}}
    )
    start_build(cloud, project)
    eventually((cloud.state_dir / "env").exists)
    seen = (cloud.state_dir / "env").read_text()
    assert "AWS_REGION=eu-west-1" in seen
    assert not any(word in seen for word in ("elsewhere", "somebody", "us-east-1", "SECRET_OF_THE_SHELL"))


def test_its_death_takes_running_builds_with_it(launch: Callable[..., Cloud]) -> None:
    marker = str(uuid.uuid4())
    cloud = launch()
    start_build(cloud, make_project(cloud, {"build": {"commands": [*stubborn(marker), "sleep 1000"]}}))
    eventually(lambda: len(running(marker)) >= 4)
    cloud.process.send_signal(signal.SIGKILL)
    cloud.process.wait()
    assert cloud.process.stdout is not None
    cloud.process.stdout.close()
    eventually(lambda: not running(marker))


def test_state_is_kept_when_asked_and_builds_end_with_the_process(launch: Callable[..., Cloud]) -> None:
    cloud = launch("--keep-state")
    cloud.kubernetes_file.write_text(json.dumps({"endpoint": "https://127.0.0.1:1", "ca_data": "Q0E="}))
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    s3.put_object(Bucket="kept", Key="한글", Body=b"kept")
    marker = str(uuid.uuid4())
    project = make_project(cloud, {"build": {"commands": [f"sh -c 'sleep 1000; : {marker}'"]}})
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Output": "noted", "Next": "Note"}]
    execution = execute(cloud, {"Build": build_state(project, Catch=catch), "Note": {"Type": "Pass", "End": True}})
    eventually(lambda: running(marker))
    stop(cloud)
    assert running(marker) == []
    again = launch("--keep-state")
    assert again.client("s3").get_object(Bucket="kept", Key="한글")["Body"].read() == b"kept"
    assert again.client("codebuild").batch_get_projects(names=[project])["projects"]
    assert ended(again, execution)["status"] == "SUCCEEDED"
    cluster = again.client("eks").describe_cluster(name="blue-faas-local")["cluster"]
    assert (cluster["status"], cluster["endpoint"]) == ("ACTIVE", "https://127.0.0.1:1")
    assert cluster["certificateAuthority"] == {"data": "Q0E="}
    stop(again)
    assert launch().client("s3").list_buckets()["Buckets"] == []


def test_an_execution_that_ran_has_failed_after_a_restart_and_its_event_says_so(launch: Callable[..., Cloud]) -> None:
    cloud = launch("--keep-state")
    queue = cloud.client("sqs").create_queue(QueueName="ends")["QueueUrl"]
    events = cloud.client("events")
    events.put_rule(Name="ends", EventPattern=json.dumps({"source": ["aws.states"], "detail": {"status": ["FAILED"]}}))
    events.put_targets(Rule="ends", Targets=[{"Id": "queue", "Arn": "arn:aws:sqs:ap-northeast-2:123456789012:ends"}])
    execution = execute(cloud, {"Wait": {"Type": "Wait", "Seconds": 1000, "End": True}})
    stop(cloud)
    again = launch("--keep-state")
    assert ended(again, execution)["status"] == "FAILED"
    (message,) = again.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"]["executionArn"] == execution


def test_what_was_answered_outlives_a_kill(launch: Callable[..., Cloud]) -> None:
    cloud = launch("--keep-state")
    dynamodb, ecr = cloud.client("dynamodb"), cloud.client("ecr")
    name = {"AttributeName": "name"}
    dynamodb.create_table(
        TableName="rows",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{**name, "KeyType": "HASH"}],
        AttributeDefinitions=[{**name, "AttributeType": "S"}],
    )
    ecr.create_repository(repositoryName="images")
    execute(cloud, {"Pass": {"Type": "Pass", "End": True}})
    cloud.client("cloudformation").list_stacks()  # an answer about stacks: what they may have made is written before it
    written: list[list[str]] = [[] for _ in range(4)]

    def write(number: int) -> None:
        client = cloud.client("dynamodb")
        with contextlib.suppress(BotoCoreError, ClientError):
            while True:
                row = f"{number}-{len(written[number])}"
                client.put_item(TableName="rows", Item={"name": {"S": row}})
                written[number].append(row)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: all(len(rows) > 5 for rows in written))
    image = ecr.put_image(repositoryName="images", imageManifest="{}", imageTag="one")["image"]["imageId"]
    execution = execute(cloud, {"Wait": {"Type": "Wait", "Seconds": 1000, "End": True}})
    cloud.process.kill()
    cloud.process.wait()
    for thread in threads:
        thread.join()
    again = launch("--keep-state")
    rows = {row["name"]["S"] for row in again.client("dynamodb").scan(TableName="rows")["Items"]}
    assert rows >= {row for some in written for row in some}
    assert len(rows) <= sum(map(len, written)) + len(written), "one write of each was on its way"
    assert again.client("ecr").list_images(repositoryName="images")["imageIds"] == [image]
    assert again.client("stepfunctions").describe_execution(executionArn=execution)["status"] == "FAILED"


def test_the_cluster_is_creating_until_kubernetes_is_there(cloud: Cloud) -> None:
    eks = cloud.client("eks")
    cloud.kubernetes_file.unlink(missing_ok=True)
    assert eks.describe_cluster(name="blue-faas-local")["cluster"]["status"] == "CREATING"
    cloud.kubernetes_file.write_text(json.dumps({"endpoint": "https://127.0.0.1:2", "ca_data": "Q0E="}))
    cluster = eks.describe_cluster(name="blue-faas-local")["cluster"]
    assert (cluster["status"], cluster["endpoint"]) == ("ACTIVE", "https://127.0.0.1:2")


def test_temporary_files_are_in_the_state_folder(cloud: Cloud, outputs: dict[str, str]) -> None:
    cloud.client("lambda").invoke(FunctionName=outputs["Echo"], Payload=b"{}")
    assert list((cloud.state_dir / "tmp").glob("ministack-lambda-*"))
