"""EventBridge: an object was created in the code bucket, and its build starts.

Under ``uploads/{workspace_id}/{app_name}/`` it is a source that somebody dropped there: it makes a task, a failed one
if it cannot be built. Under ``uploads-staged/`` it is the presigned upload that a task has been waiting for.
"""

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api.settings import IngestSettings
from functions.contracts.task import TaskKey
from functions.models.events import UploadRefused
from functions.tasks import drops, presigned_upload
from functions.tasks.code_bucket import ObjectVersion
from functions.tasks.drops import Drop, UnusableDropError
from functions.tasks.identifiers import task_id_for_object
from functions.tasks.outcome import Outcomes
from functions.tasks.removal import was_deleted
from functions.tasks.settings import SubmissionSettings
from functions.tasks.submission import Registry, Submission, Submissions
from functions.tasks.usage import LimitReachedError
from functions.telemetry import logger, metrics, tracer
from functions.tenancy import audit
from functions.tenancy.access import as_workspace
from functions.tenancy.audit import AuditEntry
from functions.tenancy.workspace import Workspace, WorkspaceNotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef


_PRESIGNED_KEY: Final = re.compile(r"uploads-staged/(?P<workspace_id>[^/]+)/(?P<task_id>[^/]+)/(?P<file_name>[^/]+)")
_QUICKLY_READ_BYTES: Final = 10 * 1024 * 1024


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str] | None:
    """Start the build of one object version (event "Object Created"); the same version never builds twice.

    Returns
    -------
    dict or None
        ``{"task_id": ...}``; None when there is no task: nobody waits for the upload, or an event says why.
    """
    settings, detail = IngestSettings.read(), event["detail"]
    upload = ObjectVersion(detail["object"]["key"], detail["object"].get("version-id", "null"))
    if drops.is_folder(upload.key):
        return None
    with audit.recording(AuditEntry.of_upload(detail, upload.key)):
        if (presigned := _presigned(upload.key)) is not None:
            task_id = _start_presigned_build(settings, presigned, upload.version_id)
        else:
            task_id = _create_task(settings, upload)
    return None if task_id is None else {"task_id": task_id}


def _start_presigned_build(settings: IngestSettings, match: re.Match[str], version_id: str) -> str | None:
    """Start the build of a task whose source has arrived, if its workspace is still there."""
    upload, task = ObjectVersion(match.string, version_id), TaskKey(match["workspace_id"], match["task_id"])
    audit.note(task_id=task.task_id)
    if _workspace(settings, upload, task.workspace_id) is None:
        return None
    submissions = Submissions.of(settings)
    head = _head(submissions, upload)
    if head is None or not presigned_upload.start_build(submissions, task, upload, head.get("ChecksumSHA256")):
        return None
    return task.task_id


def _create_task(settings: IngestSettings, upload: ObjectVersion) -> str | None:
    """Make the task of a source under ``uploads/``: one that is built, or one that says why it is not."""
    try:
        drop = drops.parse(upload.key)
    except drops.UnusableDropError as error:
        return _refuse(settings, upload, error)
    workspace = _workspace(settings, upload, drop.workspace_id)
    if workspace is None:
        return None
    return _start_dropped_build(Submissions.of(settings, workspace.limits), drop, upload.version_id)


def _start_dropped_build(submissions: Submissions, drop: Drop, version_id: str) -> str | None:
    """Create a task for a source under ``uploads/``, in a workspace that exists."""
    upload = ObjectVersion(drop.key, version_id)
    head = _head(submissions, upload)
    if head is None:
        return None
    task = _task_of(submissions, upload, head, drop.workspace_id)
    if task is None:
        return None
    submission = Submission(
        task=task,
        file_name=drop.file_name,
        app_name=drop.app_name,
        registry=Registry(submissions.settings.default_image_repository),
        content_sha256=_sha256(submissions, upload, head),
    )
    try:
        submissions.submit(submission, upload, repeated=True)
    except LimitReachedError as error:
        logger.warning("workspace at its limit", workspace_id=task.workspace_id, limit=error.of)
        return _tell(submissions, submission, upload, f"{error} Then upload the file once more.")
    metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
    logger.info("task created from upload", extra={**task.fields(), "key": upload.key})
    return task.task_id


def _workspace(settings: IngestSettings, upload: ObjectVersion, workspace_id: str) -> Workspace | None:
    """Return the workspace of an upload; None, and an event, where nobody has made it."""
    try:
        return as_workspace(settings, workspace_id)
    except WorkspaceNotFoundError as error:
        _announce(settings, upload, str(error))
        return None


def _refuse(settings: IngestSettings, upload: ObjectVersion, error: UnusableDropError) -> str | None:
    """Make a failed task of an upload that cannot be built, if its key tells whose it is."""
    if error.workspace_id is None:
        _announce(settings, upload, str(error))
        return None
    workspace = _workspace(settings, upload, error.workspace_id)
    if workspace is None:
        return None
    submissions = Submissions.of(settings, workspace.limits)
    head = _head(submissions, upload)
    task = None if head is None else _task_of(submissions, upload, head, error.workspace_id)
    if task is None:
        return None
    registry = Registry(submissions.settings.default_image_repository)
    submission = Submission(task=task, file_name=error.file_name, app_name=None, registry=registry)
    return _tell(submissions, submission, upload, str(error))


def _tell(submissions: Submissions, submission: Submission, upload: ObjectVersion, error: str) -> str | None:
    """There is nobody to answer to: a failed task says it where its owner looks, or else an event."""
    if not submissions.refuse(submission, error):
        _announce(submissions.settings, upload, error)
        return None
    metrics.add_metric("UploadRefused", MetricUnit.Count, 1)
    return submission.task.task_id


def _announce(settings: SubmissionSettings, upload: ObjectVersion, error: str) -> None:
    logger.warning("an upload is not built", key=upload.key, problem=error)
    outcomes = Outcomes.of(settings)
    outcomes.events.announce_refusal(UploadRefused(key=upload.key, version_id=upload.version_id, error=error))
    metrics.add_metric("UploadRefused", MetricUnit.Count, 1)
    # No task tells its uploader: an alarm tells whoever runs the service.
    metrics.add_metric("UploadWithoutTask", MetricUnit.Count, 1)


def _task_of(
    submissions: Submissions, upload: ObjectVersion, head: "HeadObjectOutputTypeDef", workspace_id: str
) -> TaskKey | None:
    """Return the task of an object version; None if somebody has deleted it."""
    modified_ms = int(head["LastModified"].timestamp() * 1000)
    task_id = task_id_for_object(submissions.bucket.name, upload.key, upload.version_id, modified_ms)
    task = TaskKey(workspace_id, task_id)
    audit.note(task_id=task_id)
    if was_deleted(submissions.tasks, task):
        logger.info("the task of this object version was deleted", extra=task.fields())
        return None
    return task


def _sha256(submissions: Submissions, upload: ObjectVersion, head: "HeadObjectOutputTypeDef") -> str | None:
    """Identity of the content: as S3 knows it, or read when that is quick; None for a large object without it."""
    known = head.get("ChecksumSHA256")
    if known is not None and head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        return base64.b64decode(known).hex()
    if head["ContentLength"] > _QUICKLY_READ_BYTES:
        return None
    return hashlib.sha256(submissions.bucket.read_version(upload)).hexdigest()


def _presigned(key: str) -> re.Match[str] | None:
    # EventBridge has keys as they are; other ways of S3 events have them URL-encoded.
    return _PRESIGNED_KEY.fullmatch(key) or _PRESIGNED_KEY.fullmatch(unquote_plus(key))


def _head(submissions: Submissions, upload: ObjectVersion) -> "HeadObjectOutputTypeDef | None":
    head = submissions.bucket.head(upload)
    if head is None:
        logger.warning("the object version is gone", key=upload.key, version_id=upload.version_id)
    return head
