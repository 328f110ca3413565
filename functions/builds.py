"""The build API: POST /api/v1/build-and-push, GET /api/v1/tasks/{task_id}, GET /health. A request starts here."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import File, Form, Path, Query, UploadFile
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BeforeValidator

from functions.contracts.builds import Health, Task, TaskCreated
from functions.contracts.names import AppName, ImageRepository, WorkspaceId
from functions.http import ApiError, create_resolver, resolve
from functions.tasks.credentials import CredentialsTooLongError
from functions.tasks.environment import Environment
from functions.tasks.identifiers import new_task_id
from functions.tasks.source import UnusableSourceError, check_source
from functions.tasks.store import TaskStore
from functions.tasks.submission import (
    Registry,
    RegistryNotAllowedError,
    StartFailedError,
    check_registry_allowed,
    put_source,
    submit,
)
from functions.tasks.view import task_view
from functions.telemetry import logger, metrics, tracer

app = create_resolver()

_BLANK_IS_ABSENT = BeforeValidator(lambda value: None if value == "" else value)
"""HTML forms and shell scripts send an optional field that has no value as an empty one."""


@app.get("/health")
def health() -> Health:
    """Says that the API answers."""
    return Health()


@app.post("/api/v1/build-and-push", status_code=HTTPStatus.ACCEPTED)
def build_and_push(
    file: Annotated[UploadFile, File(description="A .py file, or a .zip with spin.toml at its root.")],
    workspace_id: Annotated[WorkspaceId, Form()],
    app_name: Annotated[AppName | None, _BLANK_IS_ABSENT, Form()] = None,
    registry_url: Annotated[ImageRepository | None, _BLANK_IS_ABSENT, Form()] = None,
    username: Annotated[str | None, _BLANK_IS_ABSENT, Form()] = None,
    password: Annotated[str | None, _BLANK_IS_ABSENT, Form()] = None,
) -> TaskCreated:
    """Build an uploaded source and push it as a Spin image; the answer comes at once, the task tells the rest."""
    environment = Environment.read()
    task_id = new_task_id()
    try:
        check_source(file.filename or "", file.content)
        source_path = submit(
            environment,
            workspace_id=workspace_id,
            task_id=task_id,
            file_name=file.filename or "",
            store_source=put_source(environment, file.content),
            registry=_registry(environment, registry_url, username, password),
            app_name=app_name,
        )
    except UnusableSourceError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, str(error)) from None
    except RegistryNotAllowedError as error:
        raise ApiError(HTTPStatus.FORBIDDEN, str(error)) from None
    except CredentialsTooLongError:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "username and password together exceed 4,096 bytes") from None
    except StartFailedError:
        detail = f"Task {task_id} could not be started. Upload the file again in a moment."
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"}) from None
    metrics.add_metric("TaskCreated", MetricUnit.Count, 1)
    logger.info("task created", workspace_id=workspace_id, task_id=task_id)
    return TaskCreated(task_id=task_id, source_s3_path=source_path)


@app.get("/api/v1/tasks/<task_id>")
def get_task(task_id: Annotated[str, Path()], workspace_id: Annotated[WorkspaceId, Query()]) -> Task:
    """Where a task is, and what came of it."""
    environment = Environment.read()
    row = TaskStore.named(environment.task_table).get(workspace_id, task_id)
    if row is None:
        detail = f"Task '{task_id[:64]}' not found in workspace '{workspace_id}'"
        raise ApiError(HTTPStatus.NOT_FOUND, detail)
    return task_view(row)


def _registry(environment: Environment, repository: str | None, username: str | None, password: str | None) -> Registry:
    """The push target that a request names, or the stack's own repository."""
    if (username is None) != (password is None):
        missing = "username" if username is None else "password"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"username and password go together: {missing} is empty")
    own = environment.default_image_repository
    if repository is None or (repository == own and username is None):
        if username is not None:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "username and password need the registry_url they are for")
        return Registry(own)
    check_registry_allowed(repository, environment.registry_allow_list)
    if username is None:
        detail = f"registry_url '{repository}' needs username and password; only '{own}' is pushed to without"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return Registry(repository, username, password)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda entry point (API Gateway HTTP API, payload format 2.0)."""
    return resolve(app, event, context, Environment.read().max_upload_bytes)
