"""Who may do what: every role of ours with its complete list of actions and resources."""

import fnmatch
import itertools
from typing import Any

import pytest

from local.cloud.assembly import OVERRIDES
from tests.infra.conftest import synthesis
from tests.infra.reading import permissions, resources, text
from tests.support.unused_rights import UNSEEN, granted

TABLE = "<StorageTasks7A5B7490.Arn>"
TABLE_BY_NAME = "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/<StorageTasks7A5B7490>"
POLICIES = "<TenancyPolicies9A07A512.Arn>"
BUCKET = "<StorageCodeEBE9F578.Arn>"
KEY = "<StorageCredentialsKey2B6A8276.Arn>"
SIGNING_KEY = "<StorageSigningKey89E41C39.Arn>"
IMAGES = "<StorageImagesCFC0E004.Arn>"
PROJECT = "<BuilderProject27328D1D.Arn>"
EVENT_RULE = (
    "arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule/StepFunctionsGetEventForCodeBuildStartBuildRule"
)
TRACING = {"xray:PutTelemetryRecords", "xray:PutTraceSegments", "xray:GetSamplingRules", "xray:GetSamplingTargets"}
"""X-Ray knows no resources."""

EVENT_BUS = "<EventsBus45DE4339.Arn>"
EXECUTIONS = (
    "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<BuildPipelineStateMachine9C6583CF.Name>:*"
)
TASK_OBJECTS = [f"{BUCKET}/build-artifacts/*", f"{BUCKET}/build-sources/*", f"{BUCKET}/uploads-staged/*"]
SUBMISSION = {
    "dynamodb:BatchGetItem": [TABLE],
    "dynamodb:GetItem": [TABLE],
    "dynamodb:PutItem": [TABLE],
    "dynamodb:Query": [TABLE],
    "dynamodb:UpdateItem": [TABLE],
    "ecr:DescribeImages": [IMAGES],
    "s3:ListBucket": [BUCKET],
    "states:StartExecution": ["<BuildPipelineStateMachine9C6583CF>"],
}
"""What making a task takes, or taking it over from an earlier build."""


def dead_letters(queue: str) -> dict[str, list[str]]:
    """What Lambda does in a function's name with its on-failure destination."""
    return {f"sqs:{action}": [queue] for action in ("GetQueueAttributes", "GetQueueUrl", "SendMessage")}


HANDING_ON = {
    **{f"dynamodb:{action}": [TABLE] for action in ("DeleteItem", "GetItem", "Query", "UpdateItem")},
    # It knows no resources: the token says which execution goes on.
    "states:SendTaskSuccess": ["*"],
}
"""What giving a build slot to whose turn it is takes."""

EXPECTED = {
    "ApiBuilds": {
        **SUBMISSION,
        # Administrators write the policy; whatever else asks for something is held to it.
        **{f"dynamodb:{action}": [TABLE, POLICIES] for action in ("DeleteItem", "GetItem", "PutItem")},
        "dynamodb:Query": [TABLE, POLICIES],
        "events:PutEvents": [EVENT_BUS],
        "kms:Encrypt": [KEY],
        "lambda:InvokeFunction": ["<DeployerLiveB99987BE>"],
        "logs:GetLogEvents": ["<BuilderLogs6801DD70.Arn>"],
        "s3:DeleteObjectVersion": TASK_OBJECTS,
        # The source of an earlier build, when the same one is announced again.
        "s3:GetObject": [f"{BUCKET}/build-artifacts/*", f"{BUCKET}/build-sources/*"],
        "s3:ListBucketVersions": [BUCKET],
        "s3:PutObject": TASK_OBJECTS,
        "states:StopExecution": [EXECUTIONS],
    },
    "IngestFunction": {
        **SUBMISSION,
        "dynamodb:GetItem": [TABLE, POLICIES],
        "events:PutEvents": [EVENT_BUS],
        "s3:GetObject": [f"{BUCKET}/build-artifacts/*"],
        "s3:GetObjectVersion": [f"{BUCKET}/uploads-staged/*", f"{BUCKET}/uploads/*"],
        "s3:PutObject": [f"{BUCKET}/build-artifacts/*", f"{BUCKET}/build-sources/*"],
        **dead_letters("<IngestUndeliveredE032DDE9.Arn>"),
    },
    "BuildPipelineWaitForSlot": {**HANDING_ON, "dynamodb:PutItem": [TABLE]},
    "BuildPipelineRecordResult": {
        **HANDING_ON,
        "events:PutEvents": [EVENT_BUS],
        "s3:GetObject": [f"{BUCKET}/build-artifacts/*/result.json"],
    },
    # The one role that may sign. It reads what builds have written down, and nothing that it says is taken from them.
    "BuildPipelineSignImage": {
        "dynamodb:GetItem": [TABLE],
        **{
            f"ecr:{action}": [IMAGES]
            for action in (
                "BatchCheckLayerAvailability",
                "BatchGetImage",
                "CompleteLayerUpload",
                "InitiateLayerUpload",
                "PutImage",
                "UploadLayerPart",
            )
        },
        "kms:Sign": [SIGNING_KEY],
        "s3:GetObject": [
            f"{BUCKET}/build-artifacts/*/provenance.intoto.json",
            f"{BUCKET}/build-artifacts/*/sbom.cdx.json",
        ],
    },
    "BuildPipelineCloseTask": {
        **HANDING_ON,
        "events:PutEvents": [EVENT_BUS],
        "s3:GetObject": [f"{BUCKET}/build-artifacts/*/result.json"],
        **dead_letters("<BuildPipelineUndeliveredEnds7C918995.Arn>"),
    },
    "ReconcilerFunction": {
        **HANDING_ON,
        "dynamodb:BatchGetItem": [TABLE],
        "dynamodb:PutItem": [TABLE],
        "dynamodb:Query": [TABLE, f"{TABLE}/index/unsettled"],
        "events:PutEvents": [EVENT_BUS],
        "s3:GetObject": [f"{BUCKET}/build-artifacts/*/result.json"],
        **dead_letters("<ReconcilerUndelivered63EA81E0.Arn>"),
        "states:DescribeExecution": [EXECUTIONS],
        "states:ListExecutions": ["<BuildPipelineStateMachine9C6583CF>"],
        "states:StartExecution": ["<BuildPipelineStateMachine9C6583CF>"],
    },
    "ApiHealth": {},
    "DeployerFunction": {
        "dynamodb:GetItem": [TABLE, POLICIES],
        "dynamodb:Query": [POLICIES],
        # The items that count callers who wait, as a condition says.
        "dynamodb:UpdateItem": [TABLE],
        # The signature of an image, which only the stack's own repository has.
        "ecr:BatchGetImage": [IMAGES],
        "kms:Verify": [SIGNING_KEY],
        # Whether the image is there; the allow-list says of which repositories.
        "ecr:DescribeImages": ["arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/*"],
        "eks:DescribeCluster": ["arn:<AWS::Partition>:eks:<AWS::Region>:<AWS::AccountId>:cluster/blue-faas"],
        # Metrics of functions; the action knows no resources.
        "cloudwatch:GetMetricData": ["*"],
    },
    "BuildPipelineStateMachine": {
        "codebuild:BatchGetBuilds": [PROJECT],
        "codebuild:BatchGetReports": [PROJECT],
        "codebuild:StartBuild": [PROJECT],
        "codebuild:StopBuild": [PROJECT],
        "dynamodb:UpdateItem": [TABLE_BY_NAME],
        # What startBuild.sync needs to learn of the build's end (Step Functions guide, "Integrate with CodeBuild").
        "events:DescribeRule": [EVENT_RULE],
        "events:PutRule": [EVENT_RULE],
        "events:PutTargets": [EVENT_RULE],
        "lambda:InvokeFunction": [
            "<BuildPipelineRecordResultADCE6326.Arn>",
            "<BuildPipelineRecordResultADCE6326.Arn>:*",
            "<BuildPipelineSignImage982A4720.Arn>",
            "<BuildPipelineSignImage982A4720.Arn>:*",
            "<BuildPipelineWaitForSlot78B64DEF.Arn>",
            "<BuildPipelineWaitForSlot78B64DEF.Arn>:*",
            "<DeployerLiveB99987BE>",
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
    assert ours.pop("ecr:GetAuthorizationToken") == ["*"]
    # CodeBuild pulls the builder image with this role. Of what was built, nothing is pulled.
    for action in ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
        (own_image,) = [on for on in ours[action] if "cdk-hnb659fds-container-assets" in on]
        ours[action].remove(own_image)
    assert {action: on for action, on in ours.items() if on} == {
        "dynamodb:UpdateItem": [TABLE],
        "ecr:BatchCheckLayerAvailability": [IMAGES],
        "ecr:CompleteLayerUpload": [IMAGES],
        "ecr:DescribeImages": [IMAGES],
        "ecr:InitiateLayerUpload": [IMAGES],
        "ecr:PutImage": [IMAGES],
        "ecr:UploadLayerPart": [IMAGES],
        "kms:Decrypt": [KEY],
        "s3:GetObject": [f"{BUCKET}/build-sources/*"],
        "s3:PutObject": [f"{BUCKET}/build-artifacts/*"],
    }


def test_where_tenancy_is_open_nobody_reads_the_policy() -> None:
    template = synthesis(**OVERRIDES).template
    for role in EXPECTED:
        assert POLICIES not in itertools.chain(*permissions(template, role).values())


def test_the_deploy_function_writes_no_row_of_a_task(template: dict[str, Any]) -> None:
    """Its one write counts callers who wait: DynamoDB holds it to the partition of those items."""
    policies = [
        statement
        for name, policy in resources(template, "AWS::IAM::Policy").items()
        if name.startswith("DeployerFunction")
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    (write,) = [each for each in policies if each["Action"] == "dynamodb:UpdateItem"]
    assert write["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["#waiting"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def test_only_the_build_api_writes_the_policy(template: dict[str, Any]) -> None:
    writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    writers = {
        role
        for role in (*EXPECTED, "BuilderProject")
        for action, on in permissions(template, role).items()
        if action in writes and POLICIES in on
    }
    assert writers == {"ApiBuilds"}


def test_what_no_test_can_use_is_granted(template: dict[str, Any]) -> None:
    """An entry that stands for nothing would hide the next right that nobody needs."""
    rights = list(granted(template))
    assert [unseen for unseen in UNSEEN if not any(map(unseen.covers, rights))] == []


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


def test_the_build_log_is_readable_with_the_arns_that_aws_makes(template: dict[str, Any]) -> None:
    # GetAtt of a log group's Arn ends in ":*"; the resource of GetLogEvents is a stream of it.
    (group,) = [name for name in resources(template, "AWS::Logs::LogGroup") if name.startswith("BuilderLogs")]
    arn = "arn:aws:logs:eu-central-1:123456789012:log-group:BuilderLogs"
    (allowed,) = permissions(template, "ApiBuilds")["logs:GetLogEvents"]
    pattern = allowed.replace(f"<{group}.Arn>", f"{arn}:*")
    assert fnmatch.fnmatchcase(f"{arn}:log-stream:0c2a6c5e-9d0f-4b6e-8a39-d1f6f1d1a6a5", pattern)
    assert not fnmatch.fnmatchcase(f"{arn}Other:log-stream:0c2a6c5e", pattern)


def test_uploaded_code_does_not_run_privileged(template: dict[str, Any]) -> None:
    (project,) = resources(template, "AWS::CodeBuild::Project").values()
    assert project["Environment"]["PrivilegedMode"] is False
    variables = {v["Name"]: v["Type"] for v in project["Environment"]["EnvironmentVariables"]}
    assert variables == dict.fromkeys(
        ("TASK_TABLE", "CODE_BUCKET", "BLUE_FAAS_SOURCE_BYTES", "BLUE_FAAS_FAST_LANE"), "PLAINTEXT"
    )
