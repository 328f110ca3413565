"""From an accepted upload to a running execution: source to S3, row to DynamoDB, execution to Step Functions.

Used by the API and by the S3 trigger. In this order, so that whatever breaks in between leaves nothing that looks like
a running task: an object without a row is swept by the bucket's lifecycle, a row without an execution is ended here.
"""

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from functions.contracts.task import source_key, source_prefix
from functions.tasks import credentials, outcome
from functions.tasks.environment import Environment
from functions.tasks.store import TaskStore
from functions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


class RegistryNotAllowedError(Exception):
    """The allow-list has no pattern for this registry; the text says so."""


class StartFailedError(Exception):
    """The task was recorded, but its execution could not be started; the task has been ended as failed."""


@dataclass(frozen=True)
class Registry:
    """Where to push. Without credentials it is the stack's own ECR repository, reached with the build role."""

    repository: str
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:  # a dataclass would print the password
        return f"Registry({self.repository!r})"


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3")


@functools.cache
def _step_functions() -> "SFNClient":
    return boto3.client("stepfunctions")


def check_registry_allowed(repository: str, allow_list: tuple[str, ...]) -> None:
    """Raise `RegistryNotAllowedError` unless a pattern of the allow-list matches the whole of ``host/repository``."""
    if not any(re.fullmatch(pattern, repository) for pattern in allow_list):
        raise RegistryNotAllowedError(
            f"registry_url '{repository}' is not among the registries that builds may push to; "
            "ask the platform team to add it to the allow-list"
        )


def put_source(environment: Environment, content: bytes) -> Callable[[str], None]:
    """Store step for an upload that came with the request."""

    def store(key: str) -> None:
        _s3().put_object(Bucket=environment.code_bucket, Key=key, Body=content)

    return store


def copy_source(environment: Environment, uploaded_key: str, version_id: str) -> Callable[[str], None]:
    """Store step for an object version that was uploaded to the bucket itself."""

    def store(key: str) -> None:
        _s3().copy_object(
            Bucket=environment.code_bucket,
            Key=key,
            CopySource={"Bucket": environment.code_bucket, "Key": uploaded_key, "VersionId": version_id},
            # Copying tags would need two more permissions, and nothing reads them.
            TaggingDirective="REPLACE",
        )

    return store


def submit(
    environment: Environment,
    *,
    workspace_id: str,
    task_id: str,
    file_name: str,
    store_source: Callable[[str], None],
    registry: Registry,
    app_name: str | None,
) -> str:
    """Record the task and start its execution; safe to repeat with the same task id.

    Returns
    -------
    str
        S3 URI of the folder that holds the source, with a trailing slash.

    Raises
    ------
    credentials.CredentialsTooLongError
        Nothing has been stored.
    StartFailedError
        Step Functions refused; the task's row says failed.
    """
    sealed = None
    if registry.username is not None and registry.password is not None:
        sealed = credentials.seal(environment.credentials_key_id, task_id, registry.username, registry.password)
    key = source_key(workspace_id, task_id, file_name)
    store_source(key)
    tasks = TaskStore.named(environment.task_table)
    tasks.create(
        workspace_id=workspace_id,
        task_id=task_id,
        source_key=key,
        image_repository=registry.repository,
        app_name=app_name,
        registry_credentials=sealed,
        retention_days=environment.task_retention_days,
    )
    try:
        start_execution(environment.state_machine_arn, workspace_id, task_id)
    except (ClientError, BotoCoreError) as error:
        logger.exception("execution did not start", task_id=task_id)
        outcome.fail(environment, workspace_id, task_id, "The build could not be started. Upload the file again.")
        raise StartFailedError from error
    return f"s3://{environment.code_bucket}/{source_prefix(workspace_id, task_id)}"


def start_execution(state_machine_arn: str, workspace_id: str, task_id: str) -> None:
    """Start the task's one execution; a second call is no error (the execution is named after the task)."""
    try:
        _step_functions().start_execution(
            stateMachineArn=state_machine_arn,
            name=task_id,
            input=json.dumps({"workspace_id": workspace_id, "task_id": task_id}),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
