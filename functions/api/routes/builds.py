"""POST /api/v1/build-and-push: a source in the request itself."""

import hashlib
from http import HTTPStatus
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import File, Form, UploadFile
from aws_lambda_powertools.metrics import MetricUnit

from functions.api.deploy_block import parse_block
from functions.api.deployment_check import checked
from functions.api.documented_responses import documented
from functions.api.idempotency_key import IdempotencyKey
from functions.api.push_target import push_target
from functions.api.settings import BuildApiSettings
from functions.contracts.names import ImageRepository, SourceAppName, WorkspaceId
from functions.contracts.task import TaskStatus
from functions.models.builds import (
    APP_NAME,
    PASSWORD,
    REGISTRY_URL,
    TASK_CREATED,
    USERNAME,
    WORKSPACE_ID,
    TaskCreated,
)
from functions.models.requests import BLANK_IS_ABSENT, Password, UserName
from functions.tasks.deployment import block_for_row
from functions.tasks.idempotency import idempotent_task
from functions.tasks.source import check_source
from functions.tasks.submission import Submission, Submissions
from functions.tasks.task_response import name_warning
from functions.telemetry import logger, metrics
from functions.tenancy import audit
from functions.tenancy.access import Access

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


PATH: Final = "/api/v1/build-and-push"


@router.post(
    PATH,
    summary="Build a source and push it as a Spin image",
    tags=["Builds"],
    operation_id="buildAndPush",
    status_code=HTTPStatus.ACCEPTED,
    responses=documented(
        TaskCreated,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.TOO_MANY_REQUESTS,
        success=HTTPStatus.ACCEPTED,
    ),
)
def build_and_push(
    file: Annotated[
        UploadFile, File(description="Source to build: a .py file, or a .zip archive with spin.toml at its root.")
    ],
    workspace_id: Annotated[WorkspaceId, Form(description=WORKSPACE_ID)],
    app_name: Annotated[SourceAppName | None, BLANK_IS_ABSENT, Form(description=APP_NAME)] = None,
    registry_url: Annotated[ImageRepository | None, BLANK_IS_ABSENT, Form(description=REGISTRY_URL)] = None,
    username: Annotated[UserName | None, BLANK_IS_ABSENT, Form(description=USERNAME)] = None,
    password: Annotated[Password | None, BLANK_IS_ABSENT, Form(description=PASSWORD)] = None,
    deploy: Annotated[
        str | None,
        BLANK_IS_ABSENT,
        Form(description="Deploy the image after the build, with these options. Default: do not deploy."),
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> TaskCreated:
    """Start a build of the uploaded source. The task has the progress and the pushed image."""
    settings, event = BuildApiSettings.read(), router.current_event.raw_event
    access = Access.of(settings, event)
    workspace = access.workspace(workspace_id)
    file_name = file.filename or ""
    check_source(file_name, file.content)
    registry = push_target(settings, workspace, registry_url, username, password)
    block = None
    if deploy is not None:
        block = block_for_row(parse_block(deploy), workspace, access.caller.name, deploys=settings.deploys)
    sha256 = hashlib.sha256(file.content).hexdigest()
    request = ("build-and-push", file_name, sha256, app_name, registry.repository, username, deploy)
    submissions = Submissions.of(settings, workspace.limits)
    message = TASK_CREATED
    with idempotent_task(submissions.tasks, workspace_id, idempotency_key, request) as task:
        audit.note(task_id=task.key.task_id)
        if task.row is None:
            block = checked(settings, workspace_id, block, registry.repository)
            if block is not None and block.unchecked:
                message = f"{TASK_CREATED}. {block.unchecked}"
            submission = Submission.requested(
                task,
                key_id=settings.credentials_key_id,
                file_name=file_name,
                app_name=app_name,
                registry=registry,
                content_sha256=sha256,
                deploy=block,
            )
            submissions.submit(submission, file.content)
            metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
            logger.info("task created", extra=task.key.fields())
        elif task.row.status == TaskStatus.PENDING:
            # Whoever made the task may have broken before starting it; starting it twice is once.
            submissions.start(task.row)
    warning = name_warning(app_name)
    return TaskCreated(
        task_id=task.key.task_id,
        message=message if warning is None else f"{message}. {warning}",
        source_s3_path=submissions.source_folder(task.key),
    )
