"""From an accepted upload to a running execution: source to S3, row to DynamoDB, execution to Step Functions.

Used by the API and by the S3 trigger. In this order, so that whatever breaks in between leaves nothing that looks like
a running task: an object without a row is swept by the bucket's lifecycle, a row without an execution is ended here or
started by the reconciler.
"""

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from functions.contracts.task import UNSETTLED, TaskKey, TaskStatus, source_key, source_prefix
from functions.contracts.task_row import DeployBlock, StoredResult, TaskRow
from functions.contracts.timestamps import timestamp, utc_now
from functions.models.workspaces import WorkspaceLimits
from functions.registry.outcomes import RegistryCredentials
from functions.tasks import reuse
from functions.tasks.code_bucket import CodeBucket, ObjectVersion
from functions.tasks.credentials import seal
from functions.tasks.executions import Executions
from functions.tasks.idempotency import IdempotentTask
from functions.tasks.outcome import Outcomes
from functions.tasks.settings import SubmissionSettings
from functions.tasks.store import TaskStore
from functions.tasks.usage import LimitReachedError, Limits, Usage
from functions.telemetry import logger

Source = bytes | ObjectVersion
"""The content itself, or where it lies in the bucket."""


class StartFailedError(Exception):
    """The task was recorded, but its execution could not be started; the text is for the client."""

    def __init__(self, task: TaskKey) -> None:
        super().__init__(f"Task {task.task_id} could not be started. Upload the file again in a moment.")


@dataclass(frozen=True, slots=True)
class Registry:
    """Where to push. Without credentials it is the stack's own ECR repository, reached with the build role."""

    repository: str
    credentials: RegistryCredentials | None = field(default=None, repr=False)
    """What the caller sent: to ask the registry with, and sealed in the row to push with."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be built, for whom, and where the image goes."""

    task: TaskKey
    file_name: str
    app_name: str | None
    registry: Registry
    sealed_credentials: bytes | None = None
    """The registry's credentials, encrypted for this task alone."""
    content_sha256: str | None = None
    """Identity of the content in hexadecimal; None when it is not known: then no earlier build is looked for."""
    idempotency: str | None = None
    """Digest of the Idempotency-Key."""
    deploy: DeployBlock | None = None
    """What to do with the image when it is built."""

    @classmethod
    def requested(
        cls,
        task: IdempotentTask,
        *,
        key_id: str,
        file_name: str,
        app_name: str | None,
        registry: Registry,
        content_sha256: str,
        deploy: DeployBlock | None,
    ) -> Self:
        """Return what a request asks for, with the registry's credentials encrypted for its task by the key ``key_id``.

        Raises
        ------
        CredentialsTooLongError
            They do not fit into one encryption.
        """
        return cls(
            task=task.key,
            file_name=file_name,
            app_name=app_name,
            registry=registry,
            sealed_credentials=seal(key_id, task.key.task_id, registry.credentials),
            content_sha256=content_sha256,
            idempotency=task.digest,
            deploy=deploy,
        )

    @property
    def source_key(self) -> str:
        """Where the source is kept."""
        return source_key(self.task, self.file_name)


@dataclass(frozen=True, slots=True)
class PresignedUpload:
    """What is awaited of an upload that its client sends to S3 itself."""

    sha256: str
    """Base64."""
    begins_within: datetime.timedelta


@dataclass(frozen=True, slots=True)
class Submissions:
    """Makes tasks."""

    settings: SubmissionSettings
    tasks: TaskStore
    bucket: CodeBucket
    executions: Executions
    outcomes: Outcomes
    limits: Limits

    @classmethod
    def of(cls, settings: SubmissionSettings, limits: WorkspaceLimits | None = None) -> Self:
        """With the table, bucket and state machine of the settings, and their limits where ``limits`` has none."""
        outcomes = Outcomes.of(settings)
        executions = Executions(settings.state_machine_arn)
        return cls(settings, outcomes.tasks, outcomes.bucket, executions, outcomes, _limits(settings, limits))

    @property
    def usage(self) -> Usage:
        """What each workspace uses."""
        return Usage(self.tasks, self.limits)

    def source_folder(self, task: TaskKey) -> str:
        """S3 URI of the folder that holds a task's source, with a trailing slash."""
        return self.bucket.uri(source_prefix(task))

    def submit(self, submission: Submission, source: Source, *, repeated: bool = False) -> None:
        """Record the task and start its execution, or end it at once by an earlier build of the same.

        Safe to repeat with the same task id.

        Parameters
        ----------
        submission
            What is to be built.
        source
            The upload.
        repeated
            Whether the caller is called again after an error. If not, a task that cannot be started ends as failed.

        Raises
        ------
        usage.LimitReachedError
            Nothing has been stored.
        StartFailedError
            Step Functions refused.
        """
        if self._reuse(submission, source):
            return
        with self._place(submission.task):
            self._store(source, submission.source_key)
            self.record(submission)
        try:
            self._start(submission)
        except StartFailedError:
            if not repeated:
                reason = "The build could not be started. Upload the file again."
                self.outcomes.fail(submission.task, reason, unexpected=True)
            raise

    def refuse(self, submission: Submission, error: str) -> bool:
        """Make a task that has failed before anything was built, where nobody waits for an answer.

        Returns
        -------
        bool
            Whether the task is there: False where the workspace keeps as many tasks as it may.
        """
        try:
            with self._place(submission.task, runs=False):
                made = self.record(submission)
        except LimitReachedError:
            return False
        if made:
            self.outcomes.fail(submission.task, error)
        return True

    def await_upload(self, submission: Submission, upload: PresignedUpload) -> None:
        """Record a task whose source its client is going to send, or end it at once by an earlier build of the same.

        Raises
        ------
        usage.LimitReachedError
            Nothing has been stored.
        """
        if not self._reuse(submission):
            with self._place(submission.task):
                self.record(submission, upload=upload)

    def record(
        self, submission: Submission, *, result: StoredResult | None = None, upload: PresignedUpload | None = None
    ) -> bool:
        """Make the task's row, ``done`` already with a ``result``; False when it is there."""
        now = utc_now()
        return self.tasks.create(
            TaskRow(
                workspace_id=submission.task.workspace_id,
                task_id=submission.task.task_id,
                status=TaskStatus.PENDING if result is None else TaskStatus.DONE,
                source_key=submission.source_key,
                image_repository=submission.registry.repository,
                app_name=submission.app_name,
                registry_credentials=submission.sealed_credentials if result is None else None,
                result=result,
                created_at=timestamp(now),
                updated_at=timestamp(now),
                expires_at=self._expires_at(now),
                cache_key=self._cache_key(submission),
                idempotency=submission.idempotency,
                deploy=submission.deploy,
                upload_sha256=upload and upload.sha256,
                upload_expires_at=upload and int((now + upload.begins_within).timestamp()),
                unsettled=UNSETTLED,
            )
        )

    def start(self, row: TaskRow) -> None:
        """Start a task's execution; a second call is no error."""
        self.executions.start(row.key, file_name=row.file_name, app_name=row.app_name)

    def _start(self, submission: Submission) -> None:
        task = submission.task
        try:
            self.executions.start(task, file_name=submission.file_name, app_name=submission.app_name)
        except (ClientError, BotoCoreError) as error:
            logger.exception("execution did not start", task_id=task.task_id)
            raise StartFailedError(task) from error

    def _store(self, source: Source, key: str) -> None:
        if isinstance(source, ObjectVersion):
            self.bucket.copy(source, key)
        else:
            self.bucket.put(key, source)

    @contextlib.contextmanager
    def _place(self, task: TaskKey, *, runs: bool = True) -> Iterator[None]:
        """Reserve a place for the task in the workspace's limits, and free it if the block fails."""
        self.usage.claim(task, runs=runs)
        try:
            yield
        except BaseException:
            self.usage.release(task)
            raise

    def _reuse(self, submission: Submission, source: Source | None = None) -> bool:
        """Make the task, done already, from an earlier build of the same; False when there is none.

        Parameters
        ----------
        submission
            What is to be built.
        source
            None: the earlier build's source is copied, the caller need not send it.
        """
        task, key = submission.task, self._cache_key(submission)
        if key is None:
            return False
        credentials, newest = submission.registry.credentials, self.settings.image_reuse_days
        earlier = reuse.find(self.tasks, task.workspace_id, key, credentials, newest)
        if earlier is None:
            return False
        with self._place(task, runs=False):
            result = self._taken_over(submission, earlier, source)
            if result is None:
                self.usage.release(task)
                return False
            if self.record(submission, result=result):
                self.tasks.remember_build(task, key, self._expires_at(utc_now()))
                self.outcomes.reused(task)
                logger.info("earlier build reused", extra={**task.fields(), "earlier": earlier.task_id})
        if submission.deploy is not None:
            # There is nothing to build, but something to deploy: the execution goes straight on to that.
            self._start(submission)
        return True

    def _taken_over(self, submission: Submission, earlier: TaskRow, source: Source | None) -> StoredResult | None:
        """Copy the objects of the earlier build and return its result; None if they or the source no longer exist."""
        result = reuse.take_over(self.bucket, earlier, submission.task.task_id)
        if result is None:
            return None
        if source is None:
            return result if self.bucket.copy_if_exists(earlier.source_key, submission.source_key) else None
        self._store(source, submission.source_key)
        return result

    def _cache_key(self, submission: Submission) -> str | None:
        if submission.content_sha256 is None:
            return None
        return reuse.cache_key(
            content_sha256=submission.content_sha256,
            file_name=submission.file_name,
            app_name=submission.app_name,
            image_repository=submission.registry.repository,
            toolchain_id=self.settings.toolchain_id,
        )

    def _expires_at(self, now: datetime.datetime) -> int:
        return int((now + datetime.timedelta(days=self.settings.storage_task_retention_days)).timestamp())


def _limits(settings: SubmissionSettings, limits: WorkspaceLimits | None) -> Limits:
    own = limits or WorkspaceLimits()
    return Limits(
        running=own.running_builds or settings.limits_running_builds, kept=own.kept_tasks or settings.limits_kept_tasks
    )
