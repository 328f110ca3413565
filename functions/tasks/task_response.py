"""A task row as the API shows it."""

from typing import Final

from pydantic import TypeAdapter, ValidationError

from functions.contracts.task_row import TaskRow
from functions.models.builds import Task, TaskResult
from functions.models.deploy import KubernetesAppName
from functions.models.schema_errors import reason
from functions.tasks.deployment import deployment_view
from functions.tasks.progress import step_of

_NAME_OF_APPS: Final = TypeAdapter[str](KubernetesAppName)


def task_view(row: TaskRow, *, queued_ahead: int | None = None) -> Task:
    """Return the public form of a row. Only the attributes named here can reach a client."""
    step, step_started_at = step_of(row)
    return Task(
        task_id=row.task_id,
        status=row.status,
        result=None if row.result is None else TaskResult.model_validate(row.result),
        error=row.error,
        errors=None if row.errors is None else list(row.errors),
        deployment=deployment_view(row),
        app_name=row.app_name,
        created_at=row.created_at,
        updated_at=row.updated_at,
        queued=row.queued,
        queued_ahead=queued_ahead,
        step=step,
        step_started_at=step_started_at,
        warning=name_warning(row.app_name),
    )


def name_warning(app_name: str | None) -> str | None:
    """Return what a person should know of an app's name: Kubernetes takes fewer of them than a build."""
    if app_name is None:
        return None
    try:
        _NAME_OF_APPS.validate_python(app_name)
    except ValidationError as error:
        rule = reason(error.errors()[0])
        return f"No app can be deployed under the name '{app_name}': {rule}. Give the deploy another app_name."
    return None
