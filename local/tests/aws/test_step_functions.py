"""State machines: CodeBuild as a task, the end of executions, their history, the events they raise."""

import json
import time
import uuid
from typing import Any

from local.tests.aws.builds import Json, make_project, statuses
from local.tests.aws.conftest import Cloud, eventually, make_role


def build_state(project: str, **options: Any) -> Json:
    """A Task state that builds ``project`` and waits for it."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::codebuild:startBuild.sync",
        "Arguments": {"ProjectName": project},
        "End": True,
        **options,
    }


def execute(cloud: Cloud, states: Json, machine_input: Json | None = None, **options: Any) -> str:
    """Start a machine of ``states`` (the first one is where it starts); returns the execution's ARN."""
    role = options.pop("role", "") or make_role(cloud, "states", "codebuild:*", "events:*", "lambda:*", "dynamodb:*")
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **options}
    states_client = cloud.client("stepfunctions")
    machine = states_client.create_state_machine(
        name=f"machine-{uuid.uuid4()}",
        roleArn=role,
        definition=json.dumps(definition),
    )
    started = states_client.start_execution(
        stateMachineArn=machine["stateMachineArn"], input=json.dumps(machine_input or {})
    )
    return str(started["executionArn"])


def ended(cloud: Cloud, arn: str) -> Json:
    """The execution when it has ended."""
    client = cloud.client("stepfunctions")
    eventually(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING")
    described: Json = client.describe_execution(executionArn=arn)
    return described


def history(cloud: Cloud, arn: str) -> list[Json]:
    """The execution's events."""
    events: list[Json] = cloud.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    return events


def builds_of(cloud: Cloud, project: str) -> list[Json]:
    """The project's builds, the first one first."""
    client = cloud.client("codebuild")
    ids = client.list_builds_for_project(projectName=project)["ids"]
    builds: list[Json] = client.batch_get_builds(ids=ids)["builds"] if ids else []
    return sorted(builds, key=lambda build: int(build["buildNumber"]))


def test_sync_waits_for_the_build_and_has_its_result(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ['test "$IN" = 41']}})
    arguments = {
        "ProjectName": project,
        "EnvironmentVariablesOverride": [{"Name": "IN", "Value": "{% $string($states.input.number) %}"}],
    }
    arn = execute(cloud, {"Build": build_state(project, Arguments=arguments)}, {"number": 41})
    execution = ended(cloud, arn)
    assert execution["status"] == "SUCCEEDED"
    build = json.loads(execution["output"])["Build"]
    assert build["BuildStatus"] == "SUCCEEDED"
    assert build["BuildComplete"] is True
    assert build["Logs"]["GroupName"] == f"/aws/codebuild/{project}"
    assert abs(build["EndTime"] - time.time() * 1000) < 60_000  # milliseconds
    assert [phase["PhaseType"] for phase in build["Phases"]][-1] == "COMPLETED"


def test_history_has_the_shape_that_aws_has(cloud: Cloud) -> None:
    arn = execute(cloud, {"Build": build_state(make_project(cloud, {"build": {"commands": ["true"]}}))})
    assert ended(cloud, arn)["status"] == "SUCCEEDED"
    events = history(cloud, arn)
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["id"] for event in events] == list(range(1, 9))
    assert [event.get("previousEventId", 0) for event in events] == list(range(8))
    for event, details in zip(
        events[2:6],
        (
            "taskScheduledEventDetails",
            "taskStartedEventDetails",
            "taskSubmittedEventDetails",
            "taskSucceededEventDetails",
        ),
        strict=True,
    ):
        named = {key: event[details][key] for key in ("resourceType", "resource")}
        assert named == {"resourceType": "codebuild", "resource": "startBuild.sync"}
    assert json.loads(events[4]["taskSubmittedEventDetails"]["output"])["Build"]["BuildStatus"] == "IN_PROGRESS"


def test_sdk_integrations_are_named_with_their_service(cloud: Cloud) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "Arguments": {}, "End": True}
    arn = execute(cloud, {"List": state})
    ended(cloud, arn)
    scheduled = next(event for event in history(cloud, arn) if event["type"] == "TaskScheduled")
    details = scheduled["taskScheduledEventDetails"]
    assert (details["resourceType"], details["resource"]) == ("aws-sdk:s3", "listBuckets")


def test_without_sync_the_execution_goes_on(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["sleep 1000"]}})
    arn = execute(cloud, {"Build": build_state(project, Resource="arn:aws:states:::codebuild:startBuild")})
    execution = ended(cloud, arn)
    assert execution["status"] == "SUCCEEDED"
    build_id = json.loads(execution["output"])["Build"]["Id"]
    assert cloud.client("codebuild").stop_build(id=build_id)["build"]["buildStatus"] == "STOPPED"


def test_a_failed_build_fails_the_task_with_the_build_as_cause(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["exit 5"]}})
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]
    caught = {"Type": "Pass", "Output": "{% $parse($states.input.Cause) %}", "End": True}
    execution = ended(cloud, execute(cloud, {"Build": build_state(project, Catch=catch), "Caught": caught}))
    assert execution["status"] == "SUCCEEDED"
    build = json.loads(execution["output"])["Build"]
    assert build["BuildStatus"] == "FAILED"
    failed = [phase for phase in build["Phases"] if phase.get("PhaseStatus") == "FAILED"]
    assert failed[0]["Contexts"][0]["Message"].endswith("Reason: exit status 5")


def test_a_build_that_cannot_start_fails_the_task(cloud: Cloud) -> None:
    execution = ended(cloud, execute(cloud, {"Build": build_state("none-such")}))
    assert execution["status"] == "FAILED"
    assert execution["error"] == "CodeBuild.ResourceNotFoundException"


def test_a_task_timeout_stops_the_build_and_a_retry_starts_another(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["sleep 1000"]}})
    retry = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    arn = execute(cloud, {"Build": build_state(project, TimeoutSeconds=1, Retry=retry)})
    execution = ended(cloud, arn)
    assert (execution["status"], execution["error"]) == ("FAILED", "States.Timeout")
    eventually(lambda: all(build["buildComplete"] for build in builds_of(cloud, project)))
    assert [build["buildStatus"] for build in builds_of(cloud, project)] == ["STOPPED", "STOPPED"]
    assert [event["type"] for event in history(cloud, arn)].count("TaskTimedOut") == 2


def test_stopping_an_execution_stops_its_build_and_nothing_goes_on(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["sleep 1000"]}})
    everything = {
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3, "IntervalSeconds": 1}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    }
    states = {"Build": build_state(project, TimeoutSeconds=100, **everything), "Caught": {"Type": "Succeed"}}
    arn = execute(cloud, states)
    eventually(lambda: [build["currentPhase"] for build in builds_of(cloud, project)] == ["BUILD"])
    cloud.client("stepfunctions").stop_execution(executionArn=arn, error="Cancelled", cause="by a test")
    eventually(lambda: builds_of(cloud, project)[0]["buildComplete"])
    assert [statuses(build)["BUILD"] for build in builds_of(cloud, project)] == ["STOPPED"]
    execution = ended(cloud, arn)
    assert (execution["status"], execution["error"]) == ("ABORTED", "Cancelled")
    assert [event["type"] for event in history(cloud, arn)][-1] == "ExecutionAborted"


def test_the_timeout_of_the_state_machine(cloud: Cloud) -> None:
    project = make_project(cloud, {"build": {"commands": ["sleep 1000"]}})
    arn = execute(cloud, {"Build": build_state(project)}, TimeoutSeconds=1)
    assert ended(cloud, arn)["status"] == "TIMED_OUT"
    eventually(lambda: builds_of(cloud, project)[0]["buildComplete"])
    assert [build["buildStatus"] for build in builds_of(cloud, project)] == ["STOPPED"]
    assert [event["type"] for event in history(cloud, arn)][-1] == "ExecutionTimedOut"


def test_a_wait_lasts_as_long_as_it_says_and_ends_with_the_execution(cloud: Cloud) -> None:
    wait = {"Type": "Wait", "Seconds": 1, "Next": "After"}
    arn = execute(cloud, {"Wait": wait, "After": {"Type": "Succeed"}})
    execution = ended(cloud, arn)
    assert execution["status"] == "SUCCEEDED"
    assert (execution["stopDate"] - execution["startDate"]).total_seconds() >= 1
    arn = execute(cloud, {"Wait": {**wait, "Seconds": 1000}, "After": {"Type": "Succeed"}})
    cloud.client("stepfunctions").stop_execution(executionArn=arn)
    assert ended(cloud, arn)["status"] == "ABORTED"
    assert "WaitStateExited" not in [event["type"] for event in history(cloud, arn)]
