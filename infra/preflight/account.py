"""Checks of the account: the CDK's bootstrap stack, the caller's roles, and the rights of CloudFormation's role."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError

from infra.preflight.findings import Finding, ok, problem

QUALIFIER: Final = "hnb659fds"
"""The CDK's default (https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html)."""
_OLDEST_BOOTSTRAP: Final = 6
"""What the template's own rule asks for."""
_ROLES: Final = ("deploy-role", "file-publishing-role", "image-publishing-role", "lookup-role")

CREATE_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::ApiGatewayV2::Api": ("apigateway:POST",),
    "AWS::ApiGatewayV2::Authorizer": ("apigateway:POST",),
    "AWS::ApiGatewayV2::Integration": ("apigateway:POST",),
    "AWS::ApiGatewayV2::Route": ("apigateway:POST",),
    "AWS::ApiGatewayV2::Stage": ("apigateway:POST",),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm",),
    "AWS::CloudWatch::Dashboard": ("cloudwatch:PutDashboard",),
    "AWS::CodeBuild::Project": ("codebuild:CreateProject",),
    "AWS::DynamoDB::Table": ("dynamodb:CreateTable", "dynamodb:UpdateTimeToLive"),
    "AWS::ECR::Repository": ("ecr:CreateRepository",),
    "AWS::EKS::AccessEntry": ("eks:CreateAccessEntry",),
    "AWS::Events::EventBus": ("events:CreateEventBus",),
    "AWS::Events::Rule": ("events:PutRule", "events:PutTargets"),
    "AWS::IAM::Policy": ("iam:PutRolePolicy",),
    "AWS::IAM::Role": ("iam:CreateRole", "iam:PassRole", "iam:AttachRolePolicy"),
    "AWS::KMS::Key": ("kms:CreateKey",),
    "AWS::Lambda::Alias": ("lambda:CreateAlias",),
    "AWS::Lambda::EventInvokeConfig": ("lambda:PutFunctionEventInvokeConfig",),
    "AWS::Lambda::Function": ("lambda:CreateFunction",),
    "AWS::Lambda::Permission": ("lambda:AddPermission",),
    "AWS::Lambda::Version": ("lambda:PublishVersion",),
    "AWS::Logs::LogGroup": ("logs:CreateLogGroup", "logs:PutRetentionPolicy"),
    "AWS::S3::Bucket": ("s3:CreateBucket", "s3:PutLifecycleConfiguration"),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy",),
    "AWS::SNS::Subscription": ("sns:Subscribe",),
    "AWS::SNS::Topic": ("sns:CreateTopic",),
    "AWS::SNS::TopicPolicy": ("sns:SetTopicAttributes",),
    "AWS::SQS::Queue": ("sqs:CreateQueue",),
    "AWS::SQS::QueuePolicy": ("sqs:SetQueueAttributes",),
    "AWS::StepFunctions::StateMachine": ("states:CreateStateMachine",),
}
"""What CloudFormation's role needs first for each resource type of the template."""


def bootstrap(session: boto3.Session, account: str) -> Iterator[Finding]:
    """Check the CDK's bootstrap stack in this account and region."""
    region = session.region_name
    remedy = f"Run npx cdk bootstrap aws://{account}/{region}"
    try:
        answer = session.client("ssm").get_parameter(Name=f"/cdk-bootstrap/{QUALIFIER}/version")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        yield problem("CDK bootstrap", f"not done in {region}", remedy)
        return
    version = int(answer["Parameter"]["Value"])
    if version < _OLDEST_BOOTSTRAP:
        yield problem("CDK bootstrap", f"version {version}, older than {_OLDEST_BOOTSTRAP}", remedy)
    else:
        yield ok("CDK bootstrap", f"version {version} in {region}")


def operator(session: boto3.Session, identity: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that the caller may assume the roles with which the CDK deploys."""
    arn, account = str(identity["Arn"]), str(identity["Account"])
    if arn.endswith(":root"):
        yield ok("permissions to deploy", "the account's root user may do everything (better use a role)")
        return
    principal = _principal(session, arn)
    partition = arn.split(":")[1]
    wanted = [
        f"arn:{partition}:iam::{account}:role/cdk-{QUALIFIER}-{role}-{account}-{session.region_name}" for role in _ROLES
    ]
    denied = _denied(session, principal, ["sts:AssumeRole"], wanted)
    for _, resource in denied:
        remedy = f"Allow sts:AssumeRole on {resource} to {principal}."
        yield problem("permissions to deploy", f"{principal} may not take the CDK's role", remedy)
    if not denied:
        yield ok("permissions to deploy", f"{principal} may take the CDK's roles")


def cloudformation(session: boto3.Session, identity: Mapping[str, Any]) -> Iterator[Finding]:
    """Check that CloudFormation's role may create the resources of the template."""
    account, partition = str(identity["Account"]), str(identity["Arn"]).split(":")[1]
    role = f"arn:{partition}:iam::{account}:role/cdk-{QUALIFIER}-cfn-exec-role-{account}-{session.region_name}"
    actions = sorted({action for needed in CREATE_ACTIONS.values() for action in needed})
    denied = sorted({action for action, _ in _denied(session, role, actions, ["*"])})
    if denied:
        remedy = f"Bootstrap again with policies that allow it: {', '.join(denied)}."
        yield problem("CloudFormation's permissions", f"{role} may not do all that the template takes", remedy)
    else:
        yield ok("CloudFormation's permissions", f"{role} may create what is in the template")


def _principal(session: boto3.Session, arn: str) -> str:
    """Return the ARN of the user or role behind GetCallerIdentity's: a session's ARN lacks the path of the role."""
    if ":assumed-role/" not in arn:
        return arn
    role = arn.split("/")[1]
    return str(session.client("iam").get_role(RoleName=role)["Role"]["Arn"])


def _denied(
    session: boto3.Session, principal: str, actions: Sequence[str], resources: Sequence[str]
) -> list[tuple[str, str]]:
    pages = (
        session.client("iam")
        .get_paginator("simulate_principal_policy")
        .paginate(PolicySourceArn=principal, ActionNames=list(actions), ResourceArns=list(resources))
    )
    return [
        (result["EvalActionName"], result["EvalResourceName"])
        for page in pages
        for result in page["EvaluationResults"]
        if result["EvalDecision"] != "allowed"
    ]
