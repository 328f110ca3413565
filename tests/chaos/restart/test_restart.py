"""A cloud stopped, and then killed, in the middle of its work, and started again: nothing lost, nothing twice."""

import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.cloud.options import CloudOptions
from local.cloud.places import state_root
from local.cloud.processes import PartFailedError
from local.cloud.supervisor import Cloud
from tests.chaos.power_cuts import Load, Told, hold, kill_tree
from tests.support import components
from tests.support.client import COMPONENT, Client, spin_toml, zipped


def small(number: int, command: str | None = None) -> bytes:
    """A source of its own that takes no time to build, apart from its command."""
    return zipped(**{"spin.toml": spin_toml(command), "app.wasm": COMPONENT, "number": str(number).encode()})


@dataclass
class Restarted:
    """The second run, and what is known of the first."""

    client: Client
    done: dict[str, Any]
    """A task that was done before the first run ended, as it was then."""
    interrupted: list[str]
    """Tasks that were not."""
    stack_resources: int
    count: int = 0
    """What the function that counts answered last, before everything was killed."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Kept from run to run. (pytest's own folders are closed to other users: builds run as one.)"""
    path = state_root() / f"restart-{uuid.uuid4()}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def restarted(folder: Path) -> Iterator[Restarted]:
    """Runs a cloud, stops it while builds run and wait, starts it again."""
    options = CloudOptions(port=0, state_dir=folder, compile_cache=components.COMPILED)
    with Cloud(options) as first:
        client = Client(first)
        task_id = client.drop("counter", "counter.zip", components.counter())
        answer = client.deploy(app_name="counter", namespace="default", image_ref=client.image(task_id))
        assert answer.status_code == 200, answer.text
        assert [client.call("counter", "/count").text for _ in range(3)] == ["1\n", "2\n", "3\n"]
        interrupted = [client.start("app.zip", small(number, "sleep 1000")) for number in range(6)]
        _wait_until_one_is_building(client, interrupted)
        done, resources = client.task(task_id), len(_stack_resources(client))
    with Cloud(options) as second:
        yield Restarted(Client(second), done, interrupted, resources)


def test_every_task_ends_and_says_why(restarted: Restarted) -> None:
    for task_id in restarted.interrupted:
        task = restarted.client.wait(task_id)
        assert task["status"] == "failed"
        assert task["error"].startswith(("The build was stopped.", "The build failed unexpectedly."))


def test_what_was_done_is_as_it_was(restarted: Restarted) -> None:
    assert restarted.client.task(restarted.done["task_id"]) == restarted.done


def test_nothing_runs_twice(restarted: Restarted) -> None:
    client = restarted.client
    for task_id in restarted.interrupted:
        client.wait(task_id)
    executions = Counter(execution["name"] for execution in client.executions())
    assert set(executions) == {*restarted.interrupted, restarted.done["task_id"]}
    assert set(executions.values()) == {1}
    builds = Counter(
        variable["value"]
        for build in client.builds()
        for variable in build["environment"]["environmentVariables"]
        if variable["name"] == "TASK_ID"
    )
    assert set(builds.values()) == {1}


def test_the_deployed_function_answers_and_has_its_data(restarted: Restarted) -> None:
    assert restarted.client.call("counter", "/count").text == "4\n"


def test_the_image_can_be_deployed_anew(restarted: Restarted) -> None:
    image = restarted.done["result"]["image_url"]
    answer = restarted.client.deploy(app_name="counter-again", namespace="default", image_ref=image)
    assert answer.status_code == 200, answer.text
    assert restarted.client.call("counter-again", "/count").text == "1\n"


def test_new_builds_run(restarted: Restarted) -> None:
    client = restarted.client
    assert client.wait(client.start("app.zip", small(99, "true")))["status"] == "done"
    assert client.wait(client.drop("dropped", "app.zip", small(100)))["status"] == "done"


def test_the_stack_is_there_once(restarted: Restarted) -> None:
    client = restarted.client
    assert len(_stack_resources(client)) == restarted.stack_resources
    buckets = [bucket["Name"] for bucket in client.aws("s3").list_buckets()["Buckets"]]
    assert len(buckets) == len({name.rpartition("-")[0] for name in buckets})
    assert len(client.aws("apigatewayv2").get_apis()["Items"]) == 1


def test_a_folder_that_is_in_use(restarted: Restarted, folder: Path) -> None:
    with pytest.raises(PartFailedError, match="is in use by another one-machine cloud; stop that one first"):
        Cloud(CloudOptions(port=0, state_dir=folder)).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="without root, builds run as the user who owns the folder")
def test_a_folder_that_builds_cannot_enter(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(PartFailedError, match="is closed to other users"):
        Cloud(CloudOptions(port=0, state_dir=tmp_path / "closed")).start()


@pytest.fixture(scope="module")
def told(restarted: Restarted) -> Told:
    """What clients of the second run had been told when all its processes were killed under load."""
    cloud, told = restarted.client.cloud, Told()
    load = Load(restarted.client, told, seed=1)
    load.start()
    restarted.client.until(lambda: told.done and told.images)
    restarted.count = int(restarted.client.call("counter", "/count").text)
    for part in cloud.parts:
        kill_tree(part.pid)
    load.join()
    cloud.stop()
    assert not load.problems
    return told


def test_nothing_that_was_told_is_lost_by_a_kill(restarted: Restarted, folder: Path, told: Told) -> None:
    with Cloud(CloudOptions(port=0, state_dir=folder, compile_cache=components.COMPILED)) as third:
        client = Client(third)
        hold(client, told)
        assert client.task(restarted.done["task_id"]) == restarted.done
        assert client.call("counter", "/count").text == f"{restarted.count + 1}\n"


def _wait_until_one_is_building(client: Client, task_ids: list[str]) -> None:
    client.until(lambda: any(row.get("build_id") for row in client.rows() if row["task_id"]["S"] in task_ids))


def _stack_resources(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.aws("cloudformation").describe_stack_resources(StackName="BlueFaas")[
        "StackResources"
    ]
    return found


def test_the_state_of_an_earlier_version_is_refused_and_left_alone() -> None:
    """Of the one that kept a file a service, which this one would start beside without a look at them."""
    folder = state_root() / f"restart-{uuid.uuid4()}"
    old = folder / "aws" / "services" / "dynamodb.json"
    old.parent.mkdir(parents=True)
    folder.chmod(0o711)
    old.write_text("{}")
    try:
        with pytest.raises(PartFailedError, match=r"written by an earlier version .* Choose another folder"):
            Cloud(CloudOptions(port=0, state_dir=folder)).start()
        assert old.read_text() == "{}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
