"""EventBridge: an object was created under uploads/{workspace_id}/{app_name}/. It is built like any other upload."""

import functools
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import boto3
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError

from functions.contracts.names import AppName, WorkspaceId, check_file_name
from functions.tasks.environment import Environment
from functions.tasks.identifiers import task_id_for_object
from functions.tasks.submission import Registry, copy_source, submit
from functions.telemetry import logger, metrics, tracer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_UPLOAD_KEY = re.compile(r"uploads/(?P<workspace_id>[^/]+)/(?P<app_name>[^/]+)/(?P<file_name>[^/]+)")
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
    environment = Environment.read()
    key = event["detail"]["object"]["key"]
    version_id = event["detail"]["object"].get("version-id", "null")
    match = _UPLOAD_KEY.fullmatch(key) or _UPLOAD_KEY.fullmatch(unquote_plus(key))
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
    try:
        head = _s3().head_object(Bucket=environment.code_bucket, Key=key, VersionId=version_id)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NoSuchVersion"}:
            logger.warning("the object version is gone", key=key, version_id=version_id)
            return None
        raise
    modified_ms = int(head["LastModified"].timestamp() * 1000)
    task_id = task_id_for_object(environment.code_bucket, key, version_id, modified_ms)
    submit(
        environment,
        workspace_id=workspace_id,
        task_id=task_id,
        file_name=file_name,
        store_source=copy_source(environment, key, version_id),
        registry=Registry(environment.default_image_repository),
        app_name=app_name,
    )
    metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
    logger.info("task created from upload", workspace_id=workspace_id, task_id=task_id, key=key)
    return {"task_id": task_id}
