"""POST /api/v1/uploads: a source that is too large for the API goes to S3 itself; its build starts when it is there."""

import base64
import datetime
import functools
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import boto3
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config

from functions.api.authorization import check_workspace
from functions.api.caller import caller
from functions.api.error_responses import documented
from functions.api.http import ApiError
from functions.api.idempotent_task import ChosenTask, IdempotencyKey, chosen_task
from functions.api.push_target import push_target
from functions.contracts.task import RowField, TaskStatus, staged_prefix
from functions.models.builds import UploadCreated, UploadRequest, UploadTarget
from functions.tasks.deployment import OPTIONS, block_for_row
from functions.tasks.environment import Environment
from functions.tasks.store import TaskStore, timestamp, utc_now
from functions.tasks.submission import Submission, claimed, record, reuse_earlier, seal, source_folder
from functions.telemetry import logger, metrics

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


@functools.cache
def _s3() -> "S3Client":
    # Signature version 4 signs the headers with which S3 holds the upload to its size and checksum.
    # The region's own host: the global one redirects requests for a bucket that is new, and the signature covers the
    # host, so nobody can follow (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html).
    return boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


@router.post(
    "/api/v1/uploads",
    summary="Register the upload of a large source to S3",
    tags=["Builds"],
    operation_id="createUpload",
    status_code=HTTPStatus.CREATED,
    responses=documented(
        UploadCreated,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
        success=HTTPStatus.CREATED,
    ),
)
def create_upload(request: Annotated[UploadRequest, Body()], idempotency_key: IdempotencyKey = None) -> UploadCreated:
    """Create a task and get the request that sends its source to S3. The build starts when the file has arrived.

    If an earlier build of the same source can be reused, the task is done at once and no file is needed.
    """
    check_workspace(router.current_event.raw_event, request.workspace_id)
    environment = Environment.read()
    if request.size > environment.max_staged_upload_bytes:
        detail = f"size is over the limit of {environment.max_staged_upload_bytes:,} bytes"
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    registry = push_target(environment, request.registry_url, request.username, request.password)
    deploy = request.deploy
    block = None
    if deploy is not None:
        block = block_for_row(environment, deploy, caller(router.current_event.raw_event))
    parts = (
        *("uploads", request.file_name, str(request.size), request.sha256),
        *(request.app_name, registry.repository, request.username),
        block[OPTIONS] if block is not None else None,
    )
    with chosen_task(environment, request.workspace_id, idempotency_key, parts) as task:
        if task.row is None:
            submission = Submission(
                workspace_id=request.workspace_id,
                task_id=task.task_id,
                file_name=request.file_name,
                app_name=request.app_name,
                registry=registry,
                content_sha256=base64.b64decode(request.sha256).hex(),
                idempotency=task.idempotency,
                deploy=block,
            )
            _announce(environment, submission, request.sha256)
            metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
            logger.info("upload announced", workspace_id=request.workspace_id, task_id=task.task_id)
        return _answer(environment, request, task)


def _announce(environment: Environment, submission: Submission, sha256: str) -> None:
    sealed = seal(environment, submission)
    if not reuse_earlier(environment, submission):
        with claimed(environment, submission):
            record(environment, submission, sealed, upload_sha256=sha256)


def _answer(environment: Environment, request: UploadRequest, task: ChosenTask) -> UploadCreated:
    row = task.row or TaskStore.named(environment.task_table).get(request.workspace_id, task.task_id) or {}
    waits_until = row.get(RowField.UPLOAD_EXPIRES_AT)
    return UploadCreated(
        task_id=task.task_id,
        status=TaskStatus(row.get(RowField.STATUS, TaskStatus.PENDING)),
        source_s3_path=source_folder(environment, request.workspace_id, task.task_id),
        upload=None if waits_until is None else _target(environment, request, task.task_id, int(waits_until)),
    )


def _target(environment: Environment, request: UploadRequest, task_id: str, until: int) -> UploadTarget | None:
    """A presigned request that S3 takes only with the announced size and checksum; None when it is too late."""
    expires_at = datetime.datetime.fromtimestamp(until, datetime.UTC)
    seconds = int((expires_at - utc_now()).total_seconds())
    if seconds <= 0:
        return None
    url = _s3().generate_presigned_url(
        "put_object",
        Params={
            "Bucket": environment.code_bucket,
            "Key": staged_prefix(request.workspace_id, task_id) + request.file_name,
            "ContentLength": request.size,
            "ChecksumSHA256": request.sha256,
        },
        ExpiresIn=seconds,
    )
    headers = {"Content-Length": str(request.size), "x-amz-checksum-sha256": request.sha256}
    return UploadTarget(url=url, headers=headers, expires_at=timestamp(expires_at))
