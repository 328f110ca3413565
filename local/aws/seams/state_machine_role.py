"""What a state machine does, its role must allow: each task's call, and the delivery of its log.

ministack calls the other services directly, as nobody. The errors are those that Step Functions hands to a state
machine: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from collections.abc import Iterator
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc
from ministack.services import stepfunctions as service

from local.aws.iam.roles import DeniedError
from local.aws.seams import execution_life
from local.aws.seams.iam import Access

Json = dict[str, Any]
Call = tuple[str, str]
"""Action and resource."""

_INTEGRATION: Final = "arn:aws:states:::"
_ERRORS: Final = {
    "codebuild": "CodeBuild.AWSCodeBuildException",
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "events": "EventBridge.AmazonEventBridgeException",
    "lambda": "Lambda.AWSLambdaException",
    "sns": "SNS.AmazonSNSException",
    "sqs": "SQS.AmazonSQSException",
}
_MANAGED_RULE: Final = "StepFunctionsGetEventForCodeBuildStartBuildRule"
_RULE_ACTIONS: Final = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_LOG_DELIVERY: Final = tuple(
    f"logs:{name}"
    for name in (
        *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
        *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
    )
)
"""https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy"""


def install(access: Access) -> None:
    """Ask before each task, and when a state machine is made."""
    invoke, create, update = service._invoke_resource, service._create_state_machine, service._update_state_machine

    def invoke_resource(resource: str, arguments: Any) -> Any:
        execution = execution_life.current()
        if execution is not None:
            machine = service._state_machines[execution.record["stateMachineArn"]]
            _check(access, machine["roleArn"], execution.record["name"], resource, arguments)
        return invoke(resource, arguments)

    def create_state_machine(request: Json) -> Any:
        return _refused(access, request) or create(request)

    def update_state_machine(request: Json) -> Any:
        known = service._state_machines.get(str(request.get("stateMachineArn"))) or {}
        return _refused(access, {**known, **request}) or update(request)

    service._invoke_resource = invoke_resource
    service._create_state_machine = create_state_machine
    service._update_state_machine = update_state_machine


def _check(access: Access, role: str, execution: str, resource: str, arguments: Any) -> None:
    """Raise the error of a task whose role does not allow what it is about to do."""
    for action, about in calls(resource, arguments):
        try:
            access.calls.check(role, execution, action, about)
        except DeniedError as error:
            of = "codebuild" if "codebuild" in resource else action.partition(":")[0]
            raise service._ExecutionError(_ERRORS[of], f"{error} (Error Code: AccessDeniedException)") from None


def calls(resource: str, arguments: Any) -> Iterator[Call]:
    """List what a task asks of other services. Raises RuntimeError for an integration that is not known here.

    References: the IAM policies of each integration below
    https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
    """
    place = f"{get_region()}:{get_account_id()}"
    if ":function:" in resource:
        yield "lambda:InvokeFunction", resource
        return
    integration, _, pattern = resource.removeprefix(_INTEGRATION).partition(".")
    of, _, operation = integration.partition(":")
    match of:
        case "lambda":
            yield "lambda:InvokeFunction", _function_arn(str(arguments["FunctionName"]))
        case "dynamodb":
            table = f"arn:aws:dynamodb:{place}:table/{arguments['TableName']}"
            yield f"dynamodb:{operation[:1].upper()}{operation[1:]}", table
        case "codebuild":
            project = f"arn:aws:codebuild:{place}:project/{arguments['ProjectName']}"
            yield "codebuild:StartBuild", project
            if pattern == "sync":
                yield "codebuild:BatchGetBuilds", project
                yield "codebuild:StopBuild", project
                for action in _RULE_ACTIONS:
                    yield action, f"arn:aws:events:{place}:rule/{_MANAGED_RULE}"
        case "events":
            for entry in arguments["Entries"]:
                bus = str(entry.get("EventBusName") or "default").rpartition("/")[2]
                yield "events:PutEvents", f"arn:aws:events:{place}:event-bus/{bus}"
        case "sqs":
            yield "sqs:SendMessage", f"arn:aws:sqs:{place}:{str(arguments['QueueUrl']).rpartition('/')[2]}"
        case "sns":
            yield "sns:Publish", str(arguments["TopicArn"])
        case _:
            raise RuntimeError(f"What permissions {resource} needs is not known here: add it to {__name__}")


def _function_arn(reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    return str(lambda_svc._func_arn(reference))


def _refused(access: Access, machine: Json) -> Any:
    """Answer a state machine whose role cannot deliver its log; None when it can."""
    level = (machine.get("loggingConfiguration") or {}).get("level", "OFF")
    if level == "OFF":
        return None
    for action in _LOG_DELIVERY:
        try:
            access.calls.check(machine["roleArn"], "create", action, "*")
        except DeniedError:
            text = "The state machine IAM Role is not authorized to access the Log Destination"
            return service.error_response_json("AccessDeniedException", text, 400)
    return None
