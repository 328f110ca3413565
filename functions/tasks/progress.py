"""Where a task is between its request and its end: what it is at, since when, and how many wait before it."""

from typing import Final

from functions.contracts.task import TaskStatus
from functions.contracts.task_row import TaskRow
from functions.models.builds import Step
from functions.tasks.admission import Admission

_WITH_STEPS: Final = frozenset({TaskStatus.BUILDING, TaskStatus.PUSHING})


def step_of(row: TaskRow) -> tuple[Step | None, str | None]:
    """Return what a task is at and since when; None where that is not known, or nothing is left to do."""
    if row.upload_expires_at is not None and not row.ended:
        return "upload", row.created_at
    if row.queued:
        return "queue", row.queued_at or row.created_at
    if row.status in _WITH_STEPS:
        return row.step, row.step_started_at
    if row.status == TaskStatus.DONE and row.deploy is not None and row.deployment is None:
        return "deploy", row.updated_at
    return None, None


def queued_ahead(admission: Admission, row: TaskRow) -> int | None:
    """Count the builds, of all workspaces, that get a build slot before ``row``'s; None if it does not wait.

    Builds that have their slot are not counted.
    """
    return admission.ahead_of(row.key) if row.queued else None
