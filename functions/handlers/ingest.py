"""EventBridge: an object was created in the code bucket, and its build starts.

Under ``uploads/{workspace_id}/{app_name}/`` it is a source that somebody dropped there: it makes a task. Under
``uploads-staged/`` it is the upload that a task has been waiting for.
"""

import base64
import functools
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import boto3
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError

from functions.contracts.names import AppName, WorkspaceId, check_file_name
from functions.tasks import outcome, staged_upload
from functions.tasks.environment import Environment
from functions.tasks.identifiers import task_id_for_object
from functions.tasks.removal import was_deleted
from functions.tasks.store import TaskStore
from functions.tasks.submission import Registry, Submission, copy_source, record, submit
from functions.tasks.usage import LimitReachedError
from functions.telemetry import logger, metrics, tracer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef


_UPLOAD_KEY = re.compile(r"uploads/(?P<workspace_id>[^/]+)/(?P<app_name>[^/]+)/(?P<file_name>[^/]+)")
_STAGED_KEY = re.compile(r"uploads-staged/(?P<workspace_id>[^/]+)/(?P<task_id>[^/]+)/(?P<file_name>[^/]+)")
_QUICKLY_READ_BYTES = 10 * 1024 * 1024
_workspace_id = TypeAdapter(WorkspaceId)
_app_name = TypeAdapter(AppName)


@functools.cache
def _s3() -> "S3Client":
    return boto3.client("s3")


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
    key = event["detail"]["object"]["key"]
    version_id = event["detail"]["object"].get("version-id", "null")
    if (staged := _match(_STAGED_KEY, key)) is not None:
        head = _head(staged.string, version_id)
        return head and staged_upload.take_in(
            staged["workspace_id"], staged["task_id"], staged.string, version_id, head
        )
    return _dropped(key, version_id)


def _dropped(key: str, version_id: str) -> dict[str, str] | None:
    """A source under ``uploads/`` becomes a task."""
    environment = Environment.read()
    match = _match(_UPLOAD_KEY, key)
    if match is None:
        logger.warning("not under uploads/{workspace_id}/{app_name}/", key=key)
        return None
    try:
        workspace_id = _workspace_id.validate_python(match["workspace_id"])
        app_name = _app_name.validate_python(match["app_name"])
        file_name = check_file_name(match["file_name"])
    except (ValidationError, ValueError) as error:
        logger.warning("the object's key cannot name a task", key=key, problem=str(error))
        return None
    key = match.string
    head = _head(key, version_id)
    if head is None:
        return None
    modified_ms = int(head["LastModified"].timestamp() * 1000)
    task_id = task_id_for_object(environment.code_bucket, key, version_id, modified_ms)
    if was_deleted(TaskStore.named(environment.task_table), workspace_id, task_id):
        logger.info("the task of this object version was deleted", workspace_id=workspace_id, task_id=task_id)
        return None
    submission = Submission(
        workspace_id=workspace_id,
        task_id=task_id,
        file_name=file_name,
        app_name=app_name,
        registry=Registry(environment.default_image_repository),
        content_sha256=_sha256(environment.code_bucket, key, version_id, head),
    )
    try:
        submit(environment, submission, copy_source(environment, key, version_id), repeated=True)
    except LimitReachedError as error:
        _refuse(environment, submission, error)
        return None
    metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
    logger.info("task created from upload", workspace_id=workspace_id, task_id=task_id, key=key)
    return {"task_id": task_id}


def _refuse(environment: Environment, submission: Submission, error: LimitReachedError) -> None:
    """There is nobody to answer 429 to: the task says it, where its owner looks."""
    logger.warning("workspace at its limit", workspace_id=submission.workspace_id, limit=error.of)
    metrics.add_metric("UploadRefused", MetricUnit.Count, 1)
    if error.of == "running" and record(environment, submission):
        reason = f"{error} Then upload the file once more."
        outcome.fail(environment, submission.workspace_id, submission.task_id, reason)


def _sha256(bucket: str, key: str, version_id: str, head: "HeadObjectOutputTypeDef") -> str | None:
    """Identity of the content: as S3 knows it, or read when that is quick; None for a large object without it."""
    known = head.get("ChecksumSHA256")
    if known is not None and head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        return base64.b64decode(known).hex()
    if head["ContentLength"] > _QUICKLY_READ_BYTES:
        return None
    content = _s3().get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"].read()
    return hashlib.sha256(content).hexdigest()


def _match(pattern: re.Pattern[str], key: str) -> re.Match[str] | None:
    # EventBridge has keys as they are; other ways of S3 events have them URL-encoded.
    return pattern.fullmatch(key) or pattern.fullmatch(unquote_plus(key))


def _head(key: str, version_id: str) -> "HeadObjectOutputTypeDef | None":
    bucket = Environment.read().code_bucket
    try:
        return _s3().head_object(Bucket=bucket, Key=key, VersionId=version_id, ChecksumMode="ENABLED")
    except ClientError as error:
        # Without s3:ListBucket, S3 does not tell what is missing from what is forbidden: both are 403.
        if error.response["Error"]["Code"] in {"403", "404", "NoSuchKey", "NoSuchVersion"}:
            logger.warning("the object version is gone", key=key, version_id=version_id)
            return None
        raise
