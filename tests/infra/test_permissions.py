"""Who may do what: every role of ours with its complete list of actions and resources."""

from typing import Any

import pytest

from tests.infra.reading import permissions, resources, text

TABLE = "<StorageTasks7A5B7490.Arn>"
BUCKET = "<StorageCodeEBE9F578.Arn>"
KEY = "<StorageCredentialsKey2B6A8276.Arn>"
IMAGES = "<StorageImagesCFC0E004.Arn>"
PROJECT = "<BuilderProject27328D1D.Arn>"
EVENT_RULE = (
    "arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
)
TRACING = {"xray:PutTelemetryRecords", "xray:PutTraceSegments", "xray:GetSamplingRules", "xray:GetSamplingTargets"}
"""X-Ray knows no resources."""

EXPECTED = {
    "ApiBuilds": {
        "dynamodb:GetItem": [TABLE],
        "dynamodb:PutItem": [TABLE],
        "dynamodb:UpdateItem": [TABLE],
        "kms:Encrypt": [KEY],
        "s3:PutObject": [f"{BUCKET}/build-sources/*"],
        "states:StartExecution": ["<BuildPipelineStateMachine9C6583CF>"],
    },
    "IngestFunction": {
        "dynamodb:PutItem": [TABLE],
        "dynamodb:UpdateItem": [TABLE],
        "s3:GetObject": [f"{BUCKET}/uploads/*"],
        "s3:GetObjectVersion": [f"{BUCKET}/uploads/*"],
        "s3:PutObject": [f"{BUCKET}/build-sources/*"],
        "states:StartExecution": ["<BuildPipelineStateMachine9C6583CF>"],
    },
    "BuildPipelineRecordResult": {
        "dynamodb:GetItem": [TABLE],
        "dynamodb:UpdateItem": [TABLE],
        "s3:GetObject": [f"{BUCKET}/build-artifacts/*/result.json"],
    },
    "BuildPipelineCloseTask": {
        "dynamodb:GetItem": [TABLE],
        "dynamodb:UpdateItem": [TABLE],
        "s3:GetObject": [f"{BUCKET}/build-artifacts/*/result.json"],
    },
    "DeployerFunction": {
        "eks:DescribeCluster": ["arn:<AWS::Partition>:eks:<AWS::Region>:<AWS::AccountId>:cluster/blue-faas"],
    },
    "BuildPipelineStateMachine": {
        "codebuild:BatchGetBuilds": [PROJECT],
        "codebuild:BatchGetReports": [PROJECT],
        "codebuild:StartBuild": [PROJECT],
        "codebuild:StopBuild": [PROJECT],
        "dynamodb:UpdateItem": [
            "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/<StorageTasks7A5B7490>"
        ],
        # What startBuild.sync needs to learn of the build's end (Step Functions guide, "Integrate with CodeBuild").
        "events:DescribeRule": [EVENT_RULE],
        "events:PutRule": [EVENT_RULE],
        "events:PutTargets": [EVENT_RULE],
        "lambda:InvokeFunction": [
            "<BuildPipelineRecordResultADCE6326.Arn>",
            "<BuildPipelineRecordResultADCE6326.Arn>:*",
        ],
    },
}


@pytest.mark.parametrize("role", EXPECTED)
def test_a_role_has_exactly_these_permissions(template: dict[str, Any], role: str) -> None:
    granted = permissions(template, role)
    # Delivery of a state machine's logs is set up by APIs that know no resources either.
    general = TRACING | {action for action in granted if action.startswith("logs:") and granted[action] == ["*"]}
    assert {action: on for action, on in granted.items() if action not in general} == EXPECTED[role]


def test_the_build_role_reaches_one_task_table_one_bucket_one_repository(template: dict[str, Any]) -> None:
    granted = permissions(template, "BuilderProject")
    ours = {a: on for a, on in granted.items() if not a.startswith("logs:")}
    bootstrap = "cdk-hnb659fds-container-assets"
    assert ours.pop("ecr:GetAuthorizationToken") == ["*"]
    pulls = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    for action in pulls:  # of its own image (pull) and of the repository it pushes to
        assert [on for on in ours.pop(action) if bootstrap not in on] == [IMAGES]
    assert ours == {
        "dynamodb:GetItem": [TABLE],
        "dynamodb:UpdateItem": [TABLE],
        "ecr:CompleteLayerUpload": [IMAGES],
        "ecr:InitiateLayerUpload": [IMAGES],
        "ecr:PutImage": [IMAGES],
        "ecr:UploadLayerPart": [IMAGES],
        "kms:Decrypt": [KEY],
        "s3:AbortMultipartUpload": [f"{BUCKET}/build-artifacts/*"],
        "s3:GetObject": [f"{BUCKET}/build-sources/*"],
        "s3:PutObject": [f"{BUCKET}/build-artifacts/*"],
    }


def test_no_role_of_ours_is_missing_above(template: dict[str, Any]) -> None:
    known = (*EXPECTED, "BuilderProject")
    assert [role for role in resources(template, "AWS::IAM::Role") if not role.startswith(known)] == []


def test_functions_have_no_managed_policy_but_the_one_for_logs(template: dict[str, Any]) -> None:
    attached = {
        text(policy)
        for role in resources(template, "AWS::IAM::Role").values()
        for policy in role.get("ManagedPolicyArns", [])
    }
    assert attached == {"arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}


def test_the_deploy_role_is_mapped_to_one_kubernetes_group(template: dict[str, Any]) -> None:
    (entry,) = resources(template, "AWS::EKS::AccessEntry").values()
    assert entry["KubernetesGroups"] == ["blue-faas-deployer"]
    assert entry["Type"] == "STANDARD"
    assert text(entry["PrincipalArn"]).startswith("<DeployerFunctionServiceRole")
    assert "AccessPolicies" not in entry


def test_uploaded_code_does_not_run_privileged(template: dict[str, Any]) -> None:
    (project,) = resources(template, "AWS::CodeBuild::Project").values()
    assert project["Environment"]["PrivilegedMode"] is False
    variables = {v["Name"]: v["Type"] for v in project["Environment"]["EnvironmentVariables"]}
    assert variables == {"TASK_TABLE": "PLAINTEXT", "CODE_BUCKET": "PLAINTEXT"}
