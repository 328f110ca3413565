"""A task row as the API shows it."""

from functions.contracts.task_row import TaskRow
from functions.models.builds import Task, TaskResult
from functions.tasks.deployment import deployment_view
from functions.tasks.progress import step_of


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
    )
