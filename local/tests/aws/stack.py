"""A hand-written cloud assembly that uses every AWS feature that the product's stack uses, as CDK would write it."""

import json
import shutil
from pathlib import Path
from typing import Any

from local.tests.aws.machine import MACHINE

STACK = "Probe"
ROLE = {"Fn::GetAtt": ["Role", "Arn"]}
BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
CODE_KEY = "probe-code.zip"
_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "kms:*",
    "Resource": "*",
}

BUILDSPEC = {
    "version": "0.2",
    "phases": {
        "build": {
            "commands": [
                'echo "building $TASK_ID"',
                'test "$LEFT" = 21',
                '(exit "${STATUS:-0}")',
            ]
        }
    },
}


def write_assembly(folder: Path) -> Path:
    """Write the assembly into ``folder`` and return it."""
    folder.mkdir()
    shutil.copytree(
        Path(__file__).with_name("lambda_code"), folder / "asset.code", ignore=shutil.ignore_patterns("__pycache__")
    )
    properties = {
        "templateFile": "Probe.template.json",
        "stackTemplateAssetObjectUrl": f"s3://{BUCKET}/probe-template.json",
        "requiresBootstrapStackVersion": 6,
        "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
    }
    manifest = {
        "version": "36.0.0",
        "artifacts": {
            "Probe.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Probe.assets.json"}},
            STACK: {"type": "aws:cloudformation:stack", "properties": properties, "dependencies": ["Probe.assets"]},
        },
    }
    files = {
        "code": _asset("asset.code", "zip", CODE_KEY),
        "template": _asset("Probe.template.json", "file", "probe-template.json"),
    }
    assets = {"version": "36.0.0", "files": files, "dockerImages": {"image": {"source": {}, "destinations": {}}}}
    for name, content in (
        ("manifest.json", manifest),
        ("Probe.assets.json", assets),
        ("Probe.template.json", template()),
    ):
        (folder / name).write_text(json.dumps(content))
    return folder


def _asset(path: str, packaging: str, key: str) -> dict[str, Any]:
    return {
        "source": {"path": path, "packaging": packaging},
        "destinations": {"current": {"bucketName": BUCKET, "objectKey": key}},
    }


def get_att(name: str, attribute: str = "Arn") -> dict[str, Any]:
    """``Fn::GetAtt``."""
    return {"Fn::GetAtt": [name, attribute]}


def ref(name: str) -> dict[str, Any]:
    """``Ref``."""
    return {"Ref": name}


def template() -> dict[str, Any]:
    """The CloudFormation template."""
    resources: dict[str, Any] = {
        "Role": _role(),
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                "BillingMode": "PAY_PER_REQUEST",
                "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        },
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {"EnableKeyRotation": True, "KeyPolicy": {"Version": "2012-10-17", "Statement": [_ACCOUNT]}},
        },
        "DeadLetters": {"Type": "AWS::SQS::Queue", "Properties": {"SqsManagedSseEnabled": True}},
        "Project": {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "ServiceRole": ROLE,
                "Source": {"Type": "NO_SOURCE", "BuildSpec": json.dumps(BUILDSPEC)},
                "Artifacts": {"Type": "NO_ARTIFACTS"},
                "Environment": {
                    "Type": "LINUX_CONTAINER",
                    "Image": "builder:1",
                    "ComputeType": "BUILD_GENERAL1_MEDIUM",
                    "EnvironmentVariables": [{"Name": "LEFT", "Type": "PLAINTEXT", "Value": "21"}],
                },
                "LogsConfig": {"CloudWatchLogs": {"GroupName": ref("BuildLogs"), "Status": "ENABLED"}},
                "TimeoutInMinutes": 15,
                "QueuedTimeoutInMinutes": 30,
            },
        },
        "BuildLogs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 90}},
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": ROLE,
                "DefinitionString": {
                    "Fn::Sub": [
                        json.dumps(MACHINE),
                        {
                            "Table": ref("Table"),
                            "Bucket": ref("Bucket"),
                            "Project": ref("Project"),
                            "Answer": get_att("Answer"),
                        },
                    ]
                },
            },
        },
        "AccessEntry": {
            "Type": "AWS::EKS::AccessEntry",
            "Properties": {
                "ClusterName": "blue-faas-local",
                "PrincipalArn": ROLE,
                "KubernetesGroups": ["blue-faas:deployer"],
                "Type": "STANDARD",
            },
        },
        **_function("Echo", "echo"),
        **_function("Keep", "keep"),
        **_function("Answer", "answer"),
        **_live_alias("Echo"),
        **_http_api(),
        **_rule(
            "Uploaded",
            "Keep",
            {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [ref("Bucket")]}, "object": {"key": [{"prefix": "uploads/"}]}},
            },
        ),
        **_rule(
            "Ended",
            "Keep",
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {"stateMachineArn": [ref("Machine")], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
            },
        ),
    }
    outputs = {
        "ApiId": ref("Api"),
        "ApiUrl": get_att("Api", "ApiEndpoint"),
        "Table": ref("Table"),
        "Bucket": ref("Bucket"),
        "Key": ref("Key"),
        "DeadLetters": ref("DeadLetters"),
        "Machine": ref("Machine"),
        "Project": ref("Project"),
        "BuildLogs": ref("BuildLogs"),
        "Answer": ref("Answer"),
        "EchoLogs": ref("EchoLogs"),
        "Echo": ref("Echo"),
        "Role": get_att("Role"),
    }
    return {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def _role() -> dict[str, Any]:
    """One role for all parts, with the rights that they need."""
    services = [f"{name}.amazonaws.com" for name in ("lambda", "codebuild", "states")]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    allowed = [
        {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"], "Resource": get_att("Table")},
        {
            "Effect": "Allow",
            "Action": ["codebuild:*", "events:*", "lambda:InvokeFunction", "logs:*"],
            "Resource": "*",
        },
    ]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": allowed}}],
        },
    }


def _function(name: str, handler: str) -> dict[str, Any]:
    return {
        f"{name}Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 90}},
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Architectures": ["arm64"],
                "Handler": f"probe.{handler}",
                "Role": ROLE,
                "Code": {"S3Bucket": {"Fn::Sub": BUCKET}, "S3Key": CODE_KEY},
                "Environment": {"Variables": {"TABLE": ref("Table")}},
                "Timeout": 10,
                "MemorySize": 512,
                "TracingConfig": {"Mode": "Active"},
                "SnapStart": {"ApplyOn": "PublishedVersions"},
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": ref(f"{name}Logs")},
                "ReservedConcurrentExecutions": 5,
            },
        },
    }


def _live_alias(name: str) -> dict[str, Any]:
    return {
        f"{name}Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": ref(name)}},
        f"{name}Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": ref(name),
                "FunctionVersion": get_att(f"{name}Version", "Version"),
                "Name": "live",
            },
        },
    }


def _http_api() -> dict[str, Any]:
    integration = {"Fn::Join": ["", ["integrations/", ref("Integration")]]}
    return {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "probe", "ProtocolType": "HTTP"}},
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                "ApiId": ref("Api"),
                "StageName": "$default",
                "AutoDeploy": True,
                "DefaultRouteSettings": {"ThrottlingBurstLimit": 200, "ThrottlingRateLimit": 100},
            },
        },
        "Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": ref("Api"),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": ref("EchoLive"),
                "PayloadFormatVersion": "2.0",
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": ref("Api"),
                "RouteKey": "GET /api/v1/tasks/{task_id}",
                "Target": integration,
                "AuthorizationType": "NONE",
            },
        },
        "CatchAll": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": ref("Api"),
                "RouteKey": "ANY /{proxy+}",
                "Target": integration,
                "AuthorizationType": "NONE",
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": ref("EchoLive"),
                "Principal": "apigateway.amazonaws.com",
            },
        },
    }


def _rule(name: str, function: str, pattern: dict[str, Any], retries: int = 10) -> dict[str, Any]:
    target = {
        "Id": "Target0",
        "Arn": get_att(function),
        "DeadLetterConfig": {"Arn": get_att("DeadLetters")},
        "RetryPolicy": {"MaximumRetryAttempts": retries},
    }
    return {
        name: {
            "Type": "AWS::Events::Rule",
            "Properties": {"EventPattern": pattern, "State": "ENABLED", "Targets": [target]},
        },
        f"{name}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": get_att(function),
                "Principal": "events.amazonaws.com",
                "SourceArn": get_att(name),
            },
        },
    }
