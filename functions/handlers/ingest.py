"""EventBridge: an object was created in the code bucket, and its build starts.

Under ``uploads/{workspace_id}/{app_name}/`` it is a source that somebody dropped there: it makes a task. Under
``uploads-staged/`` it is the presigned upload that a task has been waiting for.
"""

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import TypeAdapter, ValidationError

from functions.api.settings import IngestSettings
from functions.contracts.names import SourceAppName, WorkspaceId, check_file_name
from functions.contracts.task import TaskKey
from functions.tasks import presigned_upload
from functions.tasks.code_bucket import ObjectVersion
from functions.tasks.identifiers import task_id_for_object
from functions.tasks.removal import was_deleted
from functions.tasks.submission import Registry, Submission, Submissions
from functions.tasks.usage import LimitReachedError
from functions.telemetry import logger, metrics, tracer
from functions.tenancy import audit
from functions.tenancy.access import as_workspace
from functions.tenancy.audit import AuditEntry
from functions.tenancy.workspace import Workspace, WorkspaceNotFoundError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef


_UPLOAD_KEY: Final = re.compile(r"uploads/(?P<workspace_id>[^/]+)/(?P<app_name>[^/]+)/(?P<file_name>[^/]+)")
_STAGED_KEY: Final = re.compile(r"uploads-staged/(?P<workspace_id>[^/]+)/(?P<task_id>[^/]+)/(?P<file_name>[^/]+)")
_QUICKLY_READ_BYTES: Final = 10 * 1024 * 1024
_workspace_id = TypeAdapter(WorkspaceId)
_app_name = TypeAdapter(SourceAppName)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str] | None:
    """Start the build of one object version (event "Object Created"); the same version never builds twice.

    Returns
    -------
    dict or None
        ``{"task_id": ...}``; None when the object is nothing that can be built (the log says why).
    """
    settings, detail = IngestSettings.read(), event["detail"]
    key, version_id = detail["object"]["key"], detail["object"].get("version-id", "null")
    with audit.recording(AuditEntry.of_upload(detail, key)):
        if (staged := _match(_STAGED_KEY, key)) is not None:
            task_id = _start_presigned_build(settings, staged, version_id)
        elif (dropped := _match(_UPLOAD_KEY, key)) is not None:
            task_id = _start_dropped_build(settings, dropped, version_id)
        else:
            task_id = None
            logger.warning("not under uploads/{workspace_id}/{app_name}/", key=key)
    return None if task_id is None else {"task_id": task_id}


def _start_presigned_build(settings: IngestSettings, match: re.Match[str], version_id: str) -> str | None:
    """Start the build of a task whose source has arrived, if its workspace is still there."""
    upload, task = ObjectVersion(match.string, version_id), TaskKey(match["workspace_id"], match["task_id"])
    audit.note(task_id=task.task_id)
    if _workspace(settings, task.workspace_id) is None:
        return None
    submissions = Submissions.of(settings)
    head = _head(submissions, upload)
    if head is None or not presigned_upload.start_build(submissions, task, upload, head.get("ChecksumSHA256")):
        return None
    return task.task_id


def _start_dropped_build(settings: IngestSettings, match: re.Match[str], version_id: str) -> str | None:
    """Create a task for a source under ``uploads/``, in a workspace that exists."""
    upload = ObjectVersion(match.string, version_id)
    try:
        workspace_id = _workspace_id.validate_python(match["workspace_id"])
        app_name = _app_name.validate_python(match["app_name"])
        file_name = check_file_name(match["file_name"])
    except (ValidationError, ValueError) as error:
        logger.warning("the object's key cannot name a task", key=upload.key, problem=str(error))
        return None
    workspace = _workspace(settings, workspace_id)
    if workspace is None:
        return None
    submissions = Submissions.of(settings, workspace.limits)
    head = _head(submissions, upload)
    if head is None:
        return None
    modified_ms = int(head["LastModified"].timestamp() * 1000)
    task_id = task_id_for_object(submissions.bucket.name, upload.key, version_id, modified_ms)
    task = TaskKey(workspace_id, task_id)
    audit.note(task_id=task_id)
    if was_deleted(submissions.tasks, task):
        logger.info("the task of this object version was deleted", extra=task.fields())
        return None
    submission = Submission(
        task=task,
        file_name=file_name,
        app_name=app_name,
        registry=Registry(submissions.settings.default_image_repository),
        content_sha256=_sha256(submissions, upload, head),
    )
    try:
        submissions.submit(submission, upload, repeated=True)
    except LimitReachedError as error:
        _refuse(submissions, submission, error)
        return None
    metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
    logger.info("task created from upload", extra={**task.fields(), "key": upload.key})
    return task_id


def _workspace(settings: IngestSettings, workspace_id: str) -> Workspace | None:
    """Return the workspace of an upload; None where nobody has made it."""
    try:
        return as_workspace(settings, workspace_id)
    except WorkspaceNotFoundError as error:
        logger.warning("an upload is not built", problem=str(error))
        return None


def _refuse(submissions: Submissions, submission: Submission, error: LimitReachedError) -> None:
    """There is nobody to answer 429 to: the task says it, where its owner looks."""
    logger.warning("workspace at its limit", workspace_id=submission.task.workspace_id, limit=error.of)
    metrics.add_metric("UploadRefused", MetricUnit.Count, 1)
    if error.of == "running" and submissions.record(submission):
        submissions.outcomes.fail(submission.task, f"{error} Then upload the file once more.")


def _sha256(submissions: Submissions, upload: ObjectVersion, head: "HeadObjectOutputTypeDef") -> str | None:
    """Identity of the content: as S3 knows it, or read when that is quick; None for a large object without it."""
    known = head.get("ChecksumSHA256")
    if known is not None and head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        return base64.b64decode(known).hex()
    if head["ContentLength"] > _QUICKLY_READ_BYTES:
        return None
    return hashlib.sha256(submissions.bucket.read_version(upload)).hexdigest()


def _match(pattern: re.Pattern[str], key: str) -> re.Match[str] | None:
    # EventBridge has keys as they are; other ways of S3 events have them URL-encoded.
    return pattern.fullmatch(key) or pattern.fullmatch(unquote_plus(key))


def _head(submissions: Submissions, upload: ObjectVersion) -> "HeadObjectOutputTypeDef | None":
    head = submissions.bucket.head(upload)
    if head is None:
        logger.warning("the object version is gone", key=upload.key, version_id=upload.version_id)
    return head
