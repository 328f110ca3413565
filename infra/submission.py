"""Settings and rights of the functions that accept sources: the API and the S3 trigger."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra import assets
from infra.settings import Settings
from infra.settings import Storage as StorageSettings
from infra.storage import Storage


def submission_environment(settings: Settings, storage: Storage, state_machine_arn: str) -> dict[str, str]:
    """Return the environment variables that `functions.tasks.settings.SubmissionSettings` reads, but for the bus."""
    return {
        **storage.environment(),
        "STATE_MACHINE_ARN": state_machine_arn,
        "DEFAULT_IMAGE_REPOSITORY": storage.repository.repository_uri,
        **settings.variables("limits.running_builds", "limits.kept_tasks", "storage.task_retention_days"),
        **_image_reuse(settings.storage),
        # Any change of the builder image may change its output: earlier output is not reused then.
        "TOOLCHAIN_ID": assets.builder_image().name,
    }


def _image_reuse(settings: StorageSettings) -> dict[str, str]:
    # A task that reuses an earlier build's image is kept as long as any other: the image has to last as long.
    if settings.image_retention_days is None:
        return {}
    return {"IMAGE_REUSE_DAYS": str(settings.image_retention_days - settings.task_retention_days)}


def grant_submit(function: lambda_.Function, storage: Storage, state_machine_arn: str) -> None:
    """Grant what it takes to create and start tasks, or to reuse an earlier build (`functions.tasks.reuse`)."""
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
