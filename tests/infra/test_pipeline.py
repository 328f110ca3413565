"""The state machine as an operator finds it in the console."""

from typing import Any, get_args

from aws_cdk import aws_codebuild as codebuild
from hypothesis import given
from hypothesis import strategies as st
from jsonata.jsonata import Jsonata  # type: ignore[import-untyped]  # it has no types

from functions.tasks.admission import TaskOverError
from functions.tasks.identifiers import new_task_id
from functions.tasks.slot_pools import MOST_SLOTS, NO_SLOT, pool_of, slots_in, slots_key
from infra import slot_states
from infra.settings import Builds, Settings
from tests.infra.conftest import ANOTHER, synthesis
from tests.infra.reading import resources, state_machine, text


def test_states_are_plain_verbs(template: dict[str, Any]) -> None:
    states = state_machine(template)["States"]
    tasks = [name for name, state in states.items() if state["Type"] == "Task"]
    assert sorted(tasks) == [
        "BuildAndPush",
        "Deploy",
        "MarkFailed",
        "MarkQueued",
        "ReadEarlierEnd",
        "RecordDeployment",
        "RecordFailure",
        "RecordResult",
        "SignImage",
        "TakeSlot",
        "WaitForSlot",
    ]
    ends = {name: state["Type"] for name, state in states.items() if state["Type"] in {"Succeed", "Fail"}}
    assert ends == {"Done": "Succeed", "Skipped": "Succeed", "Failed": "Fail"}


def test_every_task_state_and_the_whole_has_a_timeout(template: dict[str, Any]) -> None:
    definition = state_machine(template)
    timeouts = [state["TimeoutSeconds"] for state in definition["States"].values() if state["Type"] == "Task"]
    assert all(seconds > 0 for seconds in timeouts)
    assert definition["TimeoutSeconds"] > max(timeouts)


def test_builds_run_on_a_kernel_that_the_sandbox_can_use(template: dict[str, Any]) -> None:
    # The default is Amazon Linux 2: kernel 4.14 has neither pidfd_open nor clone3.
    (project,) = resources(template, "AWS::CodeBuild::Project").values()
    assert project["Environment"]["HostKernel"] == "LINUX_KERNEL_6"


def test_the_build_state_outlasts_codebuilds_own_limits(template: dict[str, Any]) -> None:
    (project,) = resources(template, "AWS::CodeBuild::Project").values()
    limit = 60 * (project["TimeoutInMinutes"] + project["QueuedTimeoutInMinutes"])
    assert state_machine(template)["States"]["BuildAndPush"]["TimeoutSeconds"] > limit


def test_any_failure_on_the_way_is_recorded(template: dict[str, Any]) -> None:
    states = state_machine(template)["States"]
    for name in ("MarkQueued", "TakeSlot", "WaitForSlot", "BuildAndPush"):
        assert states[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
        assert states[name]["Catch"][-1]["Next"] == "RecordFailure"


def test_a_task_that_ended_before_is_not_built(template: dict[str, Any]) -> None:
    mark = state_machine(template)["States"]["MarkQueued"]
    assert mark["Arguments"]["ConditionExpression"] == "#status IN (:was_pending)"
    assert mark["Catch"][0]["ErrorEquals"] == ["DynamoDB.ConditionalCheckFailedException"]
    assert mark["Catch"][0]["Next"] == "ReadEarlierEnd"
    read = state_machine(template)["States"]["ReadEarlierEnd"]
    assert read["Arguments"]["Payload"]["ended_before"] is True
    assert read["Next"] == "SignOrEnd"


def test_a_free_slot_is_taken_without_a_function_and_otherwise_waited_for(template: dict[str, Any]) -> None:
    states = state_machine(template)["States"]
    take, wait = states["TakeSlot"], states["WaitForSlot"]
    assert states["MarkQueued"]["Next"] == "TakeSlot"
    assert take["Resource"].endswith(":states:::dynamodb:updateItem")
    assert take["Arguments"]["Key"]["workspace_id"] == {"S": "#slots-0"}
    assert take["Arguments"]["ExpressionAttributeValues"][":most"] == {
        "N": str(Settings.from_file({}).builds.concurrency)
    }
    assert take["Catch"][0]["ErrorEquals"] == ["DynamoDB.ConditionalCheckFailedException"]
    assert take["Catch"][0]["Next"] == "WaitForSlot"
    assert take["Next"] == wait["Next"] == "BuildAndPush"
    assert wait["Resource"].endswith(":states:::lambda:invoke.waitForTaskToken")
    assert wait["Arguments"]["Payload"].keys() == {"workspace_id", "task_id", "token"}


def test_a_build_that_waited_in_vain_says_so_and_is_not_queued_anew(template: dict[str, Any]) -> None:
    wait = state_machine(template)["States"]["WaitForSlot"]
    assert wait["Retry"][0] == {"ErrorEquals": ["TaskOverError", "States.Timeout"], "MaxAttempts": 0}
    followed = {catch["ErrorEquals"][0]: catch["Next"] for catch in wait["Catch"]}
    assert followed["TaskOverError"] == "ReadEarlierEnd"
    assert followed["States.Timeout"] == "RecordFailure"
    (output,) = [catch["Output"] for catch in wait["Catch"] if catch["ErrorEquals"] == ["States.Timeout"]]
    assert NO_SLOT in output


def test_the_functions_exception_is_the_one_that_is_caught() -> None:
    assert TaskOverError.__name__ == slot_states.TASK_OVER


@given(slots=st.sampled_from([1, 400, 401, 799, 1200, 1203, MOST_SLOTS]), number=st.integers(0, 255))
def test_the_state_finds_the_pool_that_the_functions_find(slots: int, number: int) -> None:
    task_id = f"{new_task_id()[:-2]}{number:02x}"

    def value(text: str) -> str:
        if not text.startswith("{%"):
            return text
        expression = Jsonata(text.removeprefix("{%").removesuffix("%}"))
        expression.assign("states", {"context": {"Execution": {"Input": {"task_id": task_id}}}})
        return str(expression.evaluate(None))

    partition, most = (value(text) for text in slot_states.pool_in_jsonata(slots))
    pool = pool_of(task_id, slots)
    assert (partition, most) == (slots_key(pool)["workspace_id"], str(slots_in(pool, slots)))


def test_two_choices_say_what_follows_an_end(template: dict[str, Any]) -> None:
    states = state_machine(template)["States"]
    choices = {name: state for name, state in states.items() if state["Type"] == "Choice"}
    assert choices.keys() == {"SignOrEnd", "DeployOrEnd"}
    follows = {rule["Condition"]: rule["Next"] for rule in choices["SignOrEnd"]["Choices"]}
    assert follows == {
        "{% $states.input.next = 'done' %}": "SignImage",
        "{% $states.input.next = 'deploy' %}": "SignImage",
        "{% $states.input.next = 'skip' %}": "Skipped",
    }
    assert choices["SignOrEnd"]["Default"] == "Failed"
    follows = {rule["Condition"]: rule["Next"] for rule in choices["DeployOrEnd"]["Choices"]}
    assert follows == {"{% $states.input.next = 'deploy' %}": "Deploy"}
    assert choices["DeployOrEnd"]["Default"] == "Done"


def test_an_image_is_signed_before_it_is_deployed_and_a_task_is_done_without(template: dict[str, Any]) -> None:
    sign = state_machine(template)["States"]["SignImage"]
    assert sign["Next"] == "DeployOrEnd"
    assert sign["Catch"][0]["ErrorEquals"] == ["States.ALL"]
    assert sign["Catch"][0]["Next"] == "DeployOrEnd"
    assert "could not be signed" in sign["Catch"][0]["Output"]


def test_every_state_says_what_it_is_for(template: dict[str, Any]) -> None:
    assert [name for name, state in state_machine(template)["States"].items() if not state.get("Comment")] == []


def test_the_build_is_told_which_task_and_nothing_else(template: dict[str, Any]) -> None:
    overrides = state_machine(template)["States"]["BuildAndPush"]["Arguments"]["EnvironmentVariablesOverride"]
    assert [variable["Name"] for variable in overrides] == ["WORKSPACE_ID", "TASK_ID"]


def test_executions_that_end_without_a_word_are_closed(template: dict[str, Any]) -> None:
    (rule,) = [
        r
        for r in resources(template, "AWS::Events::Rule").values()
        if r.get("EventPattern", {}).get("source") == ["aws.states"]
    ]
    assert rule["EventPattern"]["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    (target,) = rule["Targets"]
    assert text(target["Arn"]).startswith("<BuildPipelineCloseTask")
    assert text(target["DeadLetterConfig"]["Arn"]).startswith("<BuildPipelineUndeliveredEnds")


def test_uploads_reach_the_ingest_function(template: dict[str, Any]) -> None:
    (rule,) = [
        r
        for r in resources(template, "AWS::Events::Rule").values()
        if r.get("EventPattern", {}).get("source") == ["aws.s3"]
    ]
    assert rule["EventPattern"]["detail"]["object"] == {"key": [{"prefix": "uploads/"}, {"prefix": "uploads-staged/"}]}
    (target,) = rule["Targets"]
    assert text(target["Arn"]).startswith("<IngestFunction")
    assert "DeadLetterConfig" in target


def test_every_size_is_one_of_codebuilds_machines_and_fleets() -> None:
    sizes = get_args(Builds.model_fields["compute"].annotation)
    assert sizes
    for size in sizes:
        assert codebuild.ComputeType[size].name == codebuild.FleetComputeType[size].name


def test_no_machine_stands_ready_unless_asked_for(template: dict[str, Any]) -> None:
    assert not resources(template, "AWS::CodeBuild::Fleet")
    (project,) = resources(template, "AWS::CodeBuild::Project").values()
    assert project["Environment"]["ComputeType"] == "BUILD_GENERAL1_MEDIUM"


def test_a_fleet_is_of_the_size_that_builds_are() -> None:
    found = synthesis(**ANOTHER)
    ((name, fleet),) = resources(found.template, "AWS::CodeBuild::Fleet").items()
    assert fleet == {
        "BaseCapacity": 2,
        "ComputeType": "BUILD_GENERAL1_SMALL",
        "EnvironmentType": "LINUX_CONTAINER",
        "OverflowBehavior": "QUEUE",
    }
    (project,) = resources(found.template, "AWS::CodeBuild::Project").values()
    assert project["Environment"]["Fleet"] == {"FleetArn": {"Fn::GetAtt": [name, "Arn"]}}
    assert project["Environment"]["ComputeType"] == fleet["ComputeType"]
    assert found.findings == []
