"""From an accepted upload to a running execution: source to S3, row to DynamoDB, execution to Step Functions.

Used by the API and by the S3 trigger. In this order, so that whatever breaks in between leaves nothing that looks like
a running task: an object without a row is swept by the bucket's lifecycle, a row without an execution is ended here or
started by the reconciler.
"""

import contextlib
import functools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from functions.contracts.task import RowField, source_key, source_prefix
from functions.registry.outcomes import RegistryCredentials
from functions.tasks import credentials, outcome, reuse
from functions.tasks.environment import Environment
from functions.tasks.store import TaskStore
from functions.tasks.usage import Limits, Usage
from functions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


class StartFailedError(Exception):
    """The task was recorded, but its execution could not be started. The text is the task's id."""


@dataclass(frozen=True)
class Registry:
    """Where to push. Without credentials it is the stack's own ECR repository, reached with the build role."""

    repository: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def credentials(self) -> RegistryCredentials | None:
        """What the caller sent, to ask the registry with."""
        if self.username is None or self.password is None:
            return None
        return RegistryCredentials(self.username, self.password)


@dataclass(frozen=True)
class Submission:
    """What is to be built, for whom, and where the image goes."""

    workspace_id: str
    task_id: str
    file_name: str
    app_name: str | None
    registry: Registry
    content_sha256: str | None = None
    """Identity of the content in hexadecimal; None when it is not known: then no earlier build is looked for."""
    idempotency: str | None = None
    """Digest of the Idempotency-Key."""
    deploy: Mapping[str, str] | None = None
    """What to do with the image when it is built (`functions.tasks.deployment`)."""

    @property
    def source_key(self) -> str:
        """Where the source is kept."""
        return source_key(self.workspace_id, self.task_id, self.file_name)

    def cache_key(self, environment: Environment) -> str | None:
        """See `functions.tasks.reuse.cache_key`."""
        if self.content_sha256 is None:
            return None
        return reuse.cache_key(
            content_sha256=self.content_sha256,
            file_name=self.file_name,
            app_name=self.app_name,
            image_repository=self.registry.repository,
            toolchain_id=environment.toolchain_id,
        )


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3")


@functools.cache
def step_functions() -> "SFNClient":
    """One client for the life of the process."""
    return boto3.client("stepfunctions")


def usage_of(environment: Environment) -> Usage:
    """The usage items, with the limits of the environment."""
    limits = Limits(running=environment.max_running_builds, kept=environment.max_kept_tasks)
    return Usage(TaskStore.named(environment.task_table), limits)


def source_folder(environment: Environment, workspace_id: str, task_id: str) -> str:
    """S3 URI of the folder that holds a task's source, with a trailing slash."""
    return f"s3://{environment.code_bucket}/{source_prefix(workspace_id, task_id)}"


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
    environment: Environment, submission: Submission, store_source: Callable[[str], None], *, repeated: bool = False
) -> None:
    """Record the task and start its execution, or end it at once by an earlier build of the same.

    Safe to repeat with the same task id.

    Parameters
    ----------
    repeated
        Whether the caller is called again after an error. If not, a task that cannot be started ends as failed.

    Raises
    ------
    credentials.CredentialsTooLongError, usage.LimitReachedError
        Nothing has been stored.
    StartFailedError
        Step Functions refused.
    """
    sealed = seal(environment, submission)
    if reuse_earlier(environment, submission, store_source):
        return
    with claimed(environment, submission):
        store_source(submission.source_key)
        record(environment, submission, sealed)
    try:
        _start(environment, submission)
    except StartFailedError:
        if not repeated:
            reason = "The build could not be started. Upload the file again."
            outcome.fail(environment, submission.workspace_id, submission.task_id, reason, unexpected=True)
        raise


def _start(environment: Environment, submission: Submission) -> None:
    try:
        start_execution(environment.state_machine_arn, submission.workspace_id, submission.task_id)
    except (ClientError, BotoCoreError) as error:
        logger.exception("execution did not start", task_id=submission.task_id)
        raise StartFailedError(submission.task_id) from error


def seal(environment: Environment, submission: Submission) -> bytes | None:
    """The registry's user name and password, encrypted for this task alone; None without any."""
    registry = submission.registry
    if registry.username is None or registry.password is None:
        return None
    return credentials.seal(environment.credentials_key_id, submission.task_id, registry.username, registry.password)


@contextlib.contextmanager
def claimed(environment: Environment, submission: Submission, *, runs: bool = True) -> Iterator[None]:
    """A place for the task among the workspace's, given back when the block fails."""
    usage = usage_of(environment)
    usage.claim(submission.workspace_id, submission.task_id, runs=runs)
    try:
        yield
    except BaseException:
        usage.release(submission.workspace_id, submission.task_id)
        raise


def record(
    environment: Environment,
    submission: Submission,
    sealed: bytes | None = None,
    *,
    result: Mapping[str, Any] | None = None,
    upload_sha256: str | None = None,
) -> bool:
    """Make the task's row; False when it is there already."""
    more: dict[RowField, Any] = {
        RowField.CACHE_KEY: submission.cache_key(environment),
        RowField.IDEMPOTENCY: submission.idempotency,
        RowField.DEPLOY: submission.deploy,
    }
    if upload_sha256 is not None:
        more[RowField.UPLOAD_SHA256] = upload_sha256
        more[RowField.UPLOAD_EXPIRES_AT] = int(time.time()) + environment.upload_minutes * 60
    return TaskStore.named(environment.task_table).create(
        workspace_id=submission.workspace_id,
        task_id=submission.task_id,
        source_key=submission.source_key,
        image_repository=submission.registry.repository,
        app_name=submission.app_name,
        registry_credentials=sealed,
        retention_days=environment.task_retention_days,
        result=result,
        more=more,
    )


def reuse_earlier(
    environment: Environment, submission: Submission, store_source: Callable[[str], None] | None = None
) -> bool:
    """Make the task, done already, from an earlier build of the same; False when there is none.

    Parameters
    ----------
    store_source
        None: the earlier build's source is copied, the caller need not send it.
    """
    key = submission.cache_key(environment)
    tasks = TaskStore.named(environment.task_table)
    workspace_id, task_id = submission.workspace_id, submission.task_id
    credentials, newest = submission.registry.credentials, environment.image_reuse_days
    earlier = reuse.find(tasks, workspace_id, key, credentials, newest) if key else None
    if key is None or earlier is None:
        return False
    with claimed(environment, submission, runs=False):
        result = reuse.take_over(environment.code_bucket, earlier, task_id)
        if result is not None and store_source is not None:
            store_source(submission.source_key)
        elif result is None or not reuse.copy(environment.code_bucket, earlier.source_key, submission.source_key):
            usage_of(environment).release(workspace_id, task_id)
            return False
        if record(environment, submission, result=result):
            expires_at = int(time.time()) + environment.task_retention_days * 24 * 3600
            tasks.remember_build(workspace_id, key, task_id, expires_at)
            outcome.reused(environment, workspace_id, task_id)
            logger.info("earlier build reused", workspace_id=workspace_id, task_id=task_id, earlier=earlier.task_id)
    if submission.deploy is not None:
        # There is nothing to build, but something to deploy: the execution goes straight on to that.
        _start(environment, submission)
    return True


def start_execution(state_machine_arn: str, workspace_id: str, task_id: str) -> None:
    """Start the task's one execution; a second call is no error (the execution is named after the task)."""
    try:
        step_functions().start_execution(
            stateMachineArn=state_machine_arn,
            name=task_id,
            input=json.dumps({"workspace_id": workspace_id, "task_id": task_id}),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
