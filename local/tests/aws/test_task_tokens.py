"""Tasks with ``.waitForTaskToken``: as strict as Step Functions about who answers, when and how often."""

import functools
import json
from typing import Any

from botocore.exceptions import ClientError

from local.aws.seams.task_tokens import MOST_OUTPUT_BYTES
from local.tests.aws.builds import Json
from local.tests.aws.conftest import Cloud, eventually, make_role
from local.tests.aws.test_iam import allow, refusal, session
from local.tests.aws.test_step_functions import ended, execute, history


def state(outputs: dict[str, str], **options: Any) -> Json:
    """A task that hands its token to the probe stack's function, whose answer to the call tells it."""
    payload: Json = {"token": "{% $states.context.Task.Token %}", **options.pop("payload", {})}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": {"FunctionName": outputs["Answer"], "Payload": payload},
        "TimeoutSeconds": 60,
        "End": True,
        **options,
    }


def tokens(cloud: Cloud, arn: str) -> list[str]:
    """Tokens that the function has been given in this execution."""
    submitted = [event for event in history(cloud, arn) if event["type"] == "TaskSubmitted"]
    told = [json.loads(event["taskSubmittedEventDetails"]["output"]) for event in submitted]
    return [answer["Payload"]["seen"]["token"] for answer in told]


def answer(cloud: Cloud, token: str, output: str = "{}") -> str:
    """Send an answer; the error's code, or nothing."""
    try:
        cloud.client("stepfunctions").send_task_success(taskToken=token, output=output)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_the_execution_goes_on_with_what_is_sent_once(cloud: Cloud, outputs: dict[str, str]) -> None:
    arn = execute(cloud, {"Wait": state(outputs)})
    (token,) = eventually(lambda: tokens(cloud, arn))
    assert answer(cloud, "made-up") == "InvalidToken"
    assert answer(cloud, token, "no JSON") == "InvalidOutput"
    assert answer(cloud, token, json.dumps("x" * (MOST_OUTPUT_BYTES - 1))) == "ValidationException"
    assert cloud.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "RUNNING"
    output = json.dumps("x" * (MOST_OUTPUT_BYTES - 2))
    assert answer(cloud, token, output) == ""
    assert ended(cloud, arn)["output"] == output
    assert answer(cloud, token) == "TaskTimedOut"
    named = [event["type"] for event in history(cloud, arn)]
    assert named[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_failure_that_is_sent_is_the_tasks(cloud: Cloud, outputs: dict[str, str]) -> None:
    arn = execute(cloud, {"Wait": state(outputs)})
    (token,) = eventually(lambda: tokens(cloud, arn))
    cloud.client("stepfunctions").send_task_failure(taskToken=token, error="Own", cause="because")
    execution = ended(cloud, arn)
    assert (execution["status"], execution["error"], execution["cause"]) == ("FAILED", "Own", "because")


def test_a_task_that_timed_out_takes_no_answer_and_its_next_try_has_another_token(
    cloud: Cloud, outputs: dict[str, str]
) -> None:
    retry = [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    arn = execute(cloud, {"Wait": state(outputs, TimeoutSeconds=2, Retry=retry)})
    first, second = eventually(lambda: len(both := tokens(cloud, arn)) == 2 and both)
    assert first != second
    assert answer(cloud, first) == "TaskTimedOut"
    assert (ended(cloud, arn)["status"], ended(cloud, arn)["error"]) == ("FAILED", "States.Timeout")
    assert answer(cloud, second) == "TaskTimedOut"


def test_a_function_that_fails_fails_the_task(cloud: Cloud, outputs: dict[str, str]) -> None:
    execution = ended(cloud, execute(cloud, {"Wait": state(outputs, payload={"fail": "as it was told"})}))
    assert (execution["status"], execution["error"]) == ("FAILED", "ValueError")


def test_an_execution_that_is_stopped_waits_no_more(cloud: Cloud, outputs: dict[str, str]) -> None:
    arn = execute(cloud, {"Wait": state(outputs)})
    (token,) = eventually(lambda: tokens(cloud, arn))
    cloud.client("stepfunctions").stop_execution(executionArn=arn)
    eventually(lambda: answer(cloud, token) == "TaskTimedOut")
    assert ended(cloud, arn)["status"] == "ABORTED"


def test_the_role_has_to_allow_the_call(cloud: Cloud, outputs: dict[str, str]) -> None:
    execution = ended(cloud, execute(cloud, {"Wait": state(outputs)}, role=make_role(cloud, "states", "events:*")))
    assert (execution["status"], execution["error"]) == ("FAILED", "Lambda.AWSLambdaException")


def test_whoever_answers_needs_the_right_to(cloud: Cloud) -> None:
    send = {"taskToken": "made-up", "output": "{}"}
    limited = allow("states:SendTaskSuccess", "arn:aws:states:*:*:stateMachine:*")  # the action knows no resources
    for client in (session(cloud), session(cloud, limited)):
        code, message = refusal(functools.partial(client("stepfunctions").send_task_success, **send))
        assert code == "AccessDeniedException"
        assert "states:SendTaskSuccess" in message
    allowed = session(cloud, allow("states:SendTaskSuccess"))
    assert refusal(functools.partial(allowed("stepfunctions").send_task_success, **send))[0] == "InvalidToken"
