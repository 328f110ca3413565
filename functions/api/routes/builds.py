"""POST /api/v1/build-and-push: a source in the request itself."""

import hashlib
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import File, Form, UploadFile
from aws_lambda_powertools.metrics import MetricUnit

from functions.api.authorization import check_workspace
from functions.api.caller import caller
from functions.api.deploy_block import parse_block
from functions.api.error_responses import documented
from functions.api.idempotent_task import IdempotencyKey, chosen_task
from functions.api.push_target import push_target
from functions.contracts.names import AppName, ImageRepository, WorkspaceId
from functions.contracts.task import RowField, TaskStatus
from functions.models.builds import APP_NAME, PASSWORD, REGISTRY_URL, USERNAME, WORKSPACE_ID, TaskCreated
from functions.models.requests import BLANK_IS_ABSENT, Credential
from functions.tasks.deployment import block_for_row
from functions.tasks.environment import Environment
from functions.tasks.source import check_source
from functions.tasks.submission import Submission, put_source, source_folder, start_execution, submit
from functions.telemetry import logger, metrics

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


@router.post(
    "/api/v1/build-and-push",
    summary="Build a source and push it as a Spin image",
    tags=["Builds"],
    operation_id="buildAndPush",
    status_code=HTTPStatus.ACCEPTED,
    responses=documented(
        TaskCreated,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
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
    app_name: Annotated[AppName | None, BLANK_IS_ABSENT, Form(description=APP_NAME)] = None,
    registry_url: Annotated[ImageRepository | None, BLANK_IS_ABSENT, Form(description=REGISTRY_URL)] = None,
    username: Annotated[Credential | None, BLANK_IS_ABSENT, Form(description=USERNAME)] = None,
    password: Annotated[Credential | None, BLANK_IS_ABSENT, Form(description=PASSWORD)] = None,
    deploy: Annotated[
        str | None,
        BLANK_IS_ABSENT,
        Form(
            description="Options for deploying the image after the build: a JSON object, see DeployOptions. "
            "Default: do not deploy."
        ),
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> TaskCreated:
    """Start a build of the uploaded source. The task has the progress and the pushed image."""
    check_workspace(router.current_event.raw_event, workspace_id)
    environment = Environment.read()
    file_name = file.filename or ""
    check_source(file_name, file.content)
    registry = push_target(environment, registry_url, username, password)
    block = None
    if deploy is not None:
        block = block_for_row(environment, parse_block(deploy), caller(router.current_event.raw_event))
    content = hashlib.sha256(file.content).hexdigest()
    request = ("build-and-push", file_name, content, app_name, registry.repository, username, deploy)
    with chosen_task(environment, workspace_id, idempotency_key, request) as task:
        if task.row is None:
            submission = Submission(
                workspace_id=workspace_id,
                task_id=task.task_id,
                file_name=file_name,
                app_name=app_name,
                registry=registry,
                content_sha256=content,
                idempotency=task.idempotency,
                deploy=block,
            )
            submit(environment, submission, put_source(environment, file.content))
            metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
            logger.info("task created", workspace_id=workspace_id, task_id=task.task_id)
        elif task.row[RowField.STATUS] == TaskStatus.PENDING:
            # Whoever made the task may have broken before starting it; starting it twice is once.
            start_execution(environment.state_machine_arn, workspace_id, task.task_id)
    return TaskCreated(task_id=task.task_id, source_s3_path=source_folder(environment, workspace_id, task.task_id))
