"""POST /api/v1/uploads: a source that is too large for the API goes to S3 itself; its build starts when it is there."""

import base64
import datetime
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.metrics import MetricUnit

from functions.api.deployment_check import checked
from functions.api.documented_responses import documented
from functions.api.idempotency_key import IdempotencyKey
from functions.api.push_target import push_target
from functions.api.settings import BuildApiSettings
from functions.contracts.task import TaskKey, TaskStatus, presigned_prefix
from functions.contracts.timestamps import timestamp, utc_now
from functions.models.builds import UploadCreated, UploadRequest, UploadTarget
from functions.tasks.code_bucket import CodeBucket
from functions.tasks.deployment import block_for_row
from functions.tasks.idempotency import IdempotentTask, idempotent_task
from functions.tasks.source import check_size
from functions.tasks.submission import PresignedUpload, Submission, Submissions
from functions.tasks.task_response import name_warning
from functions.telemetry import logger, metrics
from functions.tenancy import audit
from functions.tenancy.access import Access

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


@router.post(
    "/api/v1/uploads",
    summary="Create a presigned upload for a large source",
    tags=["Builds"],
    operation_id="createUpload",
    status_code=HTTPStatus.CREATED,
    responses=documented(
        UploadCreated,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
        success=HTTPStatus.CREATED,
    ),
)
def create_upload(request: Annotated[UploadRequest, Body()], idempotency_key: IdempotencyKey = None) -> UploadCreated:
    """Create a task and get the request that sends its source to S3. The build starts when the file is there.

    If an earlier build of the same source can be reused, the task is done at once and no file is needed.
    """
    settings, event = BuildApiSettings.read(), router.current_event.raw_event
    access = Access.of(settings, event)
    workspace = access.workspace(request.workspace_id)
    check_size(request.size, settings.limits_upload_bytes)
    registry = push_target(settings, workspace, request.registry_url, request.username, request.password)
    block = None
    if request.deploy is not None:
        block = block_for_row(request.deploy, workspace, access.caller.name, deploys=settings.deploys)
    parts = (
        *("uploads", request.file_name, str(request.size), request.sha256),
        *(request.app_name, registry.repository, request.username),
        block.options if block is not None else None,
    )
    submissions = Submissions.of(settings, workspace.limits)
    with idempotent_task(submissions.tasks, request.workspace_id, idempotency_key, parts) as task:
        audit.note(task_id=task.key.task_id)
        if task.row is None:
            block = checked(settings, request.workspace_id, block, registry.repository)
            submission = Submission.requested(
                task,
                key_id=settings.credentials_key_id,
                file_name=request.file_name,
                app_name=request.app_name,
                registry=registry,
                content_sha256=base64.b64decode(request.sha256).hex(),
                deploy=block,
            )
            begins_within = datetime.timedelta(minutes=settings.limits_upload_minutes)
            submissions.await_upload(submission, PresignedUpload(request.sha256, begins_within))
            metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
            logger.info("presigned upload awaited", extra=task.key.fields())
        return _answer(submissions, request, task)


def _answer(submissions: Submissions, request: UploadRequest, task: IdempotentTask) -> UploadCreated:
    row = task.row or submissions.tasks.get(task.key)
    waits_until = row.upload_expires_at if row is not None else None
    return UploadCreated(
        task_id=task.key.task_id,
        status=row.status if row is not None else TaskStatus.PENDING,
        source_s3_path=submissions.source_folder(task.key),
        upload=None if waits_until is None else _target(submissions.bucket, request, task.key, waits_until),
        warning=name_warning(request.app_name),
    )


def _target(bucket: CodeBucket, request: UploadRequest, task: TaskKey, until: int) -> UploadTarget | None:
    """Return the presigned request, which S3 accepts for the described file only; None if it is too late."""
    expires_at = datetime.datetime.fromtimestamp(until, datetime.UTC)
    seconds = int((expires_at - utc_now()).total_seconds())
    if seconds <= 0:
        return None
    key = presigned_prefix(task) + request.file_name
    url = bucket.presigned_put(key, size=request.size, sha256=request.sha256, seconds=seconds)
    headers = {"Content-Length": str(request.size), "x-amz-checksum-sha256": request.sha256}
    return UploadTarget(url=url, headers=headers, expires_at=timestamp(expires_at))
