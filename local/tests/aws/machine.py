"""The probe stack's state machine, with ``${…}`` where the template puts names in."""

from typing import Any

_KEY = {"pk": {"S": "task"}, "sk": {"S": "{% $states.context.Execution.Input.id %}"}}

MACHINE: dict[str, Any] = {
    "Comment": "The shape of the product's pipeline: mark, build, read the result, answer",
    "QueryLanguage": "JSONata",
    "TimeoutSeconds": 60,
    "StartAt": "Mark",
    "States": {
        "Mark": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:updateItem",
            "Arguments": {
                "TableName": "${Table}",
                "Key": _KEY,
                "UpdateExpression": "SET #status = :building, #at = :now",
                "ConditionExpression": "#status = :pending",
                "ExpressionAttributeNames": {"#status": "status", "#at": "updated_at"},
                "ExpressionAttributeValues": {
                    ":building": {"S": "building"},
                    ":pending": {"S": "pending"},
                    ":now": {"S": "{% $now() %}"},
                },
            },
            "TimeoutSeconds": 30,
            "Catch": [
                {"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "Skipped"},
                {"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Explain"},
            ],
            "Next": "Build",
        },
        "Build": {
            "Type": "Task",
            "Resource": "arn:aws:states:::codebuild:startBuild.sync",
            "Arguments": {
                "ProjectName": "${Project}",
                "EnvironmentVariablesOverride": [
                    {"Name": "TASK_ID", "Type": "PLAINTEXT", "Value": "{% $states.context.Execution.Input.id %}"},
                    {"Name": "STATUS", "Value": "{% $string($states.context.Execution.Input.status) %}"},
                ],
            },
            "Assign": {"build": "{% $states.result.Build %}"},
            "TimeoutSeconds": 30,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Explain"}],
            "Next": "Ask",
        },
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "${Answer}", "Payload": "{% $states.context.Execution.Input.payload %}"},
            "Output": {
                "payload": "{% $states.result.Payload %}",
                "build": "{% $build.BuildStatus %}",
            },
            "TimeoutSeconds": 30,
            "Retry": [{"ErrorEquals": ["Lambda.ServiceException", "Lambda.SdkClientException"], "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Explain"}],
            "Next": "IsFine",
        },
        "IsFine": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.payload.seen.outcome = 'succeeded' %}", "Next": "Done"}],
            "Default": "Failed",
        },
        "Explain": {
            "Type": "Pass",
            "Output": {"error": "{% $states.input.Error %}", "cause": "{% $states.input.Cause %}"},
            "Next": "Failed",
        },
        "Done": {"Type": "Succeed"},
        "Skipped": {"Type": "Succeed"},
        "Failed": {"Type": "Fail", "Error": "BuildFailed", "Cause": "{% $string($states.input) %}"},
    },
}
