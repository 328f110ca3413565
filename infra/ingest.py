"""Uploads to the bucket itself: S3 tells EventBridge, EventBridge calls the ingest function."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.bundles import API_BUNDLE
from infra.lambda_function import ServiceFunction
from infra.settings import Settings
from infra.storage import Storage
from infra.submission import submission_environment


class Ingest(Construct):
    """Starts a build for each object version that appears under ``uploads/{workspace_id}/{app_name}/``."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, storage: Storage, state_machine_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        function = ServiceFunction(
            self,
            "Function",
            module="ingest",
            description="Starts the build of a source that was uploaded to S3",
            bundle=API_BUNDLE,
            environment=submission_environment(settings, storage, state_machine_arn),
            timeout=cdk.Duration.minutes(1),
        )
        storage.task_table.grant(function, "dynamodb:PutItem", "dynamodb:UpdateItem")
        storage.allow_objects(function, "uploads/*", "s3:GetObject", "s3:GetObjectVersion")
        storage.allow_objects(function, "build-sources/*", "s3:PutObject")
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["states:StartExecution"], resources=[state_machine_arn])
        )
        undelivered = sqs.Queue(
            self,
            "Undelivered",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        events.Rule(
            self,
            "Uploaded",
            description="Sources that were uploaded to S3",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [storage.code_bucket.bucket_name]},
                    "object": {"key": [{"prefix": "uploads/"}]},
                },
            ),
            targets=[targets.LambdaFunction(function, dead_letter_queue=undelivered, retry_attempts=10)],
        )
