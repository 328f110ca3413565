"""What an operator reads in the history of an execution, who has nothing else at hand."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import hello_task
from tests.support.client import EXAMPLES, Client

Story = dict[str, dict[str, Any]]
HELLO = (EXAMPLES / "hello" / "app.py").read_bytes()
TYPE_ERROR = (EXAMPLES / "type-error" / "app.py").read_bytes()


def execution(cloud: Client, task_id: str) -> str:
    """ARN of a task's execution, once it is over."""
    arn = cloud.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{task_id}"
    describe = cloud.aws("stepfunctions").describe_execution
    cloud.until(lambda: describe(executionArn=arn)["status"] != "RUNNING")
    return arn


def story(cloud: Client, task_id: str) -> tuple[dict[str, Any], Story]:
    """The execution's last event, and the input of every state that was entered, in their order."""
    arn = execution(cloud, task_id)
    pages = cloud.aws("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [event for page in pages for event in page["events"]]
    entered = [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]
    return events[-1], {state["name"]: json.loads(state["input"]) for state in entered}


def without_wait(states: Story) -> list[str]:
    """The names of states, but for a wait behind the builds of other tests."""
    return [name for name in states if name != "WaitForSlot"]


@pytest.fixture(scope="module")
def deployed(cloud: Client) -> str:
    """A task whose image is there already, and is to be deployed with a variable that is a secret."""
    cloud.wait(hello_task(cloud))
    block = {"namespace": "default", "app_name": "in-history", "variables": {"token": "do-not-show"}}
    task_id = cloud.start("app.py", HELLO, app_name="my-function", deploy=json.dumps(block))
    return task_id


def test_a_done_build(cloud: Client) -> None:
    own = "a-workspace-with-a-history"  # no earlier build answers for it
    task_id = cloud.start("app.py", HELLO, workspace_id=own, app_name="my-function")
    result = cloud.wait(task_id, own)["result"]
    end, states = story(cloud, task_id)
    assert without_wait(states) == [
        *("MarkQueued", "TakeSlot", "BuildAndPush", "RecordResult"),
        *("SignOrEnd", "SignImage", "DeployOrEnd", "Done"),
    ]
    assert states["MarkQueued"]["file_name"] == states["BuildAndPush"]["file_name"] == "app.py"
    assert states["MarkQueued"]["app_name"] == "my-function"
    assert "/log-events/" in states["RecordResult"]["build_log_url"]
    told = json.loads(end["executionSucceededEventDetails"]["output"])
    assert told == states["Done"]
    assert (told["status"], told["file_name"], told["app_name"]) == ("done", "app.py", "my-function")
    assert {name: told[name] for name in ("image_url", "digest", "size", "way", "duration", "wasm_path")} == {
        name: result[name] for name in ("image_url", "digest", "size", "way", "duration", "wasm_path")
    }
    assert told["build_log_url"] == states["RecordResult"]["build_log_url"]
    named = result["digest"].replace(":", "-")
    assert told["signature"] == {"signed": [f"{named}.provenance.bundle", f"{named}.sbom.bundle", f"{named}.sig"]}


def test_a_failed_build(cloud: Client) -> None:
    task_id = cloud.start("한글 함수.py", TYPE_ERROR, app_name="my-function")
    task = cloud.wait(task_id)
    end, states = story(cloud, task_id)
    assert without_wait(states) == ["MarkQueued", "TakeSlot", "BuildAndPush", "RecordFailure", "SignOrEnd", "Failed"]
    failure = end["executionFailedEventDetails"]
    assert failure["error"] == "BuildFailed"
    assert failure["cause"] == task["error"]
    assert failure["cause"].startswith("MyPy validation failed: 한글 함수.py:12: error: ")
    told = states["Failed"]
    assert (told["status"], told["file_name"], told["app_name"]) == ("failed", "한글 함수.py", "my-function")
    assert told["build_log_url"].startswith("https://")


def test_a_deployment_of_what_was_built_before(cloud: Client, deployed: str) -> None:
    end, states = story(cloud, deployed)
    assert list(states) == [
        *("MarkQueued", "ReadEarlierEnd", "SignOrEnd", "SignImage"),
        *("DeployOrEnd", "Deploy", "RecordDeployment", "Done"),
    ]
    told = json.loads(end["executionSucceededEventDetails"]["output"])
    assert told["cached"] is True
    assert told["deploy_to"] == "default"
    assert told["deployment"]["app_name"] == "in-history"
    assert told["deployment"]["image"] == told["image_url"]


def test_no_secret_is_in_a_history(cloud: Client, deployed: str) -> None:
    history = cloud.aws("stepfunctions").get_execution_history(executionArn=execution(cloud, deployed))
    assert "do-not-show" not in json.dumps(history, default=str)
