"""What the two functions that take sources in (API and S3 trigger) have in common: their settings and their rights."""

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.settings import Settings
from infra.settings import Storage as StorageSettings
from infra.storage import Storage
from infra.tools.image_context import image_context


def submission_environment(settings: Settings, storage: Storage, state_machine_arn: str) -> dict[str, str]:
    """Environment variables that `functions.tasks.environment` reads."""
    return {
        "TASK_TABLE": storage.task_table.table_name,
        "CODE_BUCKET": storage.code_bucket.bucket_name,
        "STATE_MACHINE_ARN": state_machine_arn,
        "CREDENTIALS_KEY_ID": storage.credentials_key.key_arn,
        "DEFAULT_IMAGE_REPOSITORY": storage.repository.repository_uri,
        "REGISTRY_ALLOW_LIST": json.dumps(settings.registry_allow_list),
        "MAX_UPLOAD_BYTES": str(settings.limits.request_bytes),
        "MAX_STAGED_UPLOAD_BYTES": str(settings.limits.upload_bytes),
        "UPLOAD_MINUTES": str(settings.limits.upload_minutes),
        "MAX_RUNNING_BUILDS": str(settings.limits.running_builds),
        "MAX_KEPT_TASKS": str(settings.limits.kept_tasks),
        "DEPLOYS": str(settings.kubernetes is not None).lower(),
        **_image_reuse(settings.storage),
        "TASK_RETENTION_DAYS": str(settings.storage.task_retention_days),
        # Whatever changes the builder image may change what it makes: then nothing made by the one before is reused.
        "TOOLCHAIN_ID": image_context().name,
    }


def _image_reuse(settings: StorageSettings) -> dict[str, str]:
    # A task that takes over an earlier build's image is kept for as long as any: the image has to last for that.
    if settings.image_retention_days is None:
        return {}
    return {"IMAGE_REUSE_DAYS": str(settings.image_retention_days - settings.task_retention_days)}


def grant_submit(function: lambda_.Function, storage: Storage, state_machine_arn: str) -> None:
    """Let a function make tasks and start them, or take them over from an earlier build (`functions.tasks.reuse`)."""
    storage.grant_task_access(
        function,
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    )
    storage.grant_objects(function, "build-sources/*", "s3:PutObject")
    storage.grant_objects(function, "build-artifacts/*", "s3:GetObject", "s3:PutObject")
    storage.grant_listing(function, "s3:ListBucket", "build-artifacts/*")
    storage.repository.grant(function, "ecr:DescribeImages")
    function.add_to_role_policy(iam.PolicyStatement(actions=["states:StartExecution"], resources=[state_machine_arn]))
