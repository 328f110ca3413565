"""Where an event, a function or a service fails, something else goes on: retries, dead letters, the reconciler."""

from typing import Any

import pytest

from infra import build_states
from infra.settings import Builds
from tests.infra.reading import resources, state_machine, text

CALLED_BY_EVENTS = ("IngestFunction", "BuildPipelineCloseTask", "ReconcilerFunction")


def test_failures_of_asynchronous_functions_are_kept(template: dict[str, Any]) -> None:
    configured = {
        text(config["FunctionName"]).strip("<>"): config
        for config in resources(template, "AWS::Lambda::EventInvokeConfig").values()
    }
    functions = [name for name in resources(template, "AWS::Lambda::Function") if name.startswith(CALLED_BY_EVENTS)]
    assert sorted(configured) == sorted(functions)
    for config in configured.values():
        assert config["MaximumRetryAttempts"] == 2
        assert config["MaximumEventAgeInSeconds"] == 6 * 3600
        assert "Undelivered" in text(config["DestinationConfig"]["OnFailure"]["Destination"])


def test_every_rule_keeps_what_it_cannot_deliver(template: dict[str, Any]) -> None:
    queues = {f"<{name}.Arn>" for name in resources(template, "AWS::SQS::Queue")}
    targets = [target for rule in resources(template, "AWS::Events::Rule").values() for target in rule["Targets"]]
    assert {text(target["DeadLetterConfig"]["Arn"]) for target in targets} == queues
    assert all("MaximumRetryAttempts" in target["RetryPolicy"] for target in targets)


def test_dead_letters_are_kept_for_two_weeks_and_encrypted(template: dict[str, Any]) -> None:
    for queue in resources(template, "AWS::SQS::Queue").values():
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert queue["SqsManagedSseEnabled"] is True


def test_the_reconciler_runs_every_five_minutes(template: dict[str, Any]) -> None:
    (rule,) = [rule for rule in resources(template, "AWS::Events::Rule").values() if "ScheduleExpression" in rule]
    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert text(rule["Targets"][0]["Arn"]).startswith("<ReconcilerFunction")


def test_open_tasks_are_found_through_a_sparse_index(template: dict[str, Any]) -> None:
    tables = resources(template, "AWS::DynamoDB::Table").values()
    (index,) = [index for table in tables for index in table.get("GlobalSecondaryIndexes", [])]
    assert index["IndexName"] == "unsettled"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["unsettled", "task_id"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


@pytest.mark.parametrize("state", ["RecordResult", "RecordFailure"])
def test_a_recorder_that_is_broken_is_done_without(template: dict[str, Any], state: str) -> None:
    states = state_machine(template)["States"]
    assert states[state]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "MarkFailed"}]
    mark = states["MarkFailed"]
    assert mark["Resource"].endswith(":states:::dynamodb:updateItem"), "no code of ours"
    assert mark["Arguments"]["ConditionExpression"] == "#status IN (:was_pending, :was_building, :was_pushing)"
    assert "REMOVE #credentials" in mark["Arguments"]["UpdateExpression"]
    assert mark["Next"] == "Failed"


@pytest.mark.parametrize(
    "state",
    [
        *("MarkQueued", "TakeSlot", "WaitForSlot", "BuildAndPush"),
        *("RecordResult", "RecordFailure", "SignImage", "MarkFailed"),
    ],
)
def test_every_task_is_tried_again_with_jitter(template: dict[str, Any], state: str) -> None:
    retries = [retry for retry in state_machine(template)["States"][state]["Retry"] if retry["MaxAttempts"] > 0]
    assert retries
    for retry in retries:
        assert retry["JitterStrategy"] == "FULL"
        assert retry["MaxAttempts"] >= 4


def test_throttles_are_among_what_is_tried_again(template: dict[str, Any]) -> None:
    states = state_machine(template)["States"]
    for state, error in (
        ("RecordResult", "Lambda.TooManyRequestsException"),
        ("RecordFailure", "Lambda.TooManyRequestsException"),
        ("BuildAndPush", "CodeBuild.AccountLimitExceededException"),
        # What a throttled StartBuild is called: its API models no throttling.
        ("BuildAndPush", "CodeBuild.AWSCodeBuildException"),
        ("BuildAndPush", "CodeBuild.CodeBuildException"),
    ):
        assert error in {name for retry in states[state]["Retry"] for name in retry["ErrorEquals"]}


@pytest.mark.parametrize("state", ["MarkQueued", "TakeSlot", "MarkFailed", "RecordDeployment"])
def test_a_write_is_tried_again_whatever_went_wrong_but_its_condition(template: dict[str, Any], state: str) -> None:
    retries = [
        (retry["ErrorEquals"], retry["MaxAttempts"]) for retry in state_machine(template)["States"][state]["Retry"]
    ]
    assert retries == [(["DynamoDB.ConditionalCheckFailedException"], 0), (["States.ALL"], 8)]


def test_a_build_that_failed_is_not_built_again(template: dict[str, Any]) -> None:
    retries = state_machine(template)["States"]["BuildAndPush"]["Retry"]
    named = {name for retry in retries for name in retry["ErrorEquals"]}
    assert {name.partition(".")[0] for name in named} == {"CodeBuild"}, "a failed build is States.TaskFailed"


def test_an_execution_outlasts_waiting_building_and_recording(template: dict[str, Any]) -> None:
    definition = state_machine(template)
    build = definition["States"]["BuildAndPush"]
    # Full jitter: half of the longest delay on average.
    waiting = sum(retry["MaxAttempts"] * retry["MaxDelaySeconds"] / 2 for retry in build["Retry"])
    waiting += definition["States"]["WaitForSlot"]["TimeoutSeconds"]
    assert definition["TimeoutSeconds"] > waiting + build["TimeoutSeconds"] + 10 * 60


def test_stuck_is_longer_than_an_execution_may_take(template: dict[str, Any]) -> None:
    (function,) = [
        function
        for name, function in resources(template, "AWS::Lambda::Function").items()
        if name.startswith("ReconcilerFunction")
    ]
    stuck = 60 * int(function["Environment"]["Variables"]["STUCK_AFTER_MINUTES"])
    assert stuck > state_machine(template)["TimeoutSeconds"]


def test_every_function_retries_aws_with_jitter(template: dict[str, Any]) -> None:
    for function in resources(template, "AWS::Lambda::Function").values():
        variables = function["Environment"]["Variables"]
        assert (variables["AWS_RETRY_MODE"], variables["AWS_MAX_ATTEMPTS"]) == ("standard", "5")


def test_whoever_ends_tasks_can_announce_it(template: dict[str, Any]) -> None:
    announcing = {
        name
        for name, function in resources(template, "AWS::Lambda::Function").items()
        if "EVENT_BUS_NAME" in function["Environment"]["Variables"]
    }
    expected = ("ApiBuilds", "IngestFunction", "BuildPipelineRecordResult", "BuildPipelineCloseTask", "Reconciler")
    assert sorted(name for name in announcing if name.startswith(expected)) == sorted(announcing)
    assert len(announcing) == len(expected)


def test_longest_grows_with_the_settings() -> None:
    short, long = (
        build_states.longest(
            Builds(
                compute="SMALL",
                fast_lane=True,
                timeout_minutes=minutes,
                queued_minutes=minutes,
                waiting_minutes=minutes,
                concurrency=1,
            )
        ).to_minutes()
        for minutes in (5, 60)
    )
    assert 3 * 5 < short < 3 * 60 < long
