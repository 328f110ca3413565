"""A task row as the API shows it."""

from collections.abc import Mapping
from typing import Any

from functions.contracts.task import RowField, TaskStatus
from functions.models.builds import SourceError, Task, TaskResult
from functions.tasks.deployment import deployment_view


def task_view(row: Mapping[str, Any]) -> Task:
    """The public form of a row: nothing of the row that is not named here can reach a client."""
    return Task(
        task_id=row[RowField.TASK_ID],
        status=TaskStatus(row[RowField.STATUS]),
        result=_result(row.get(RowField.RESULT)),
        error=row.get(RowField.ERROR),
        errors=_errors(row.get(RowField.ERRORS)),
        deployment=deployment_view(row),
        app_name=row.get(RowField.APP_NAME),
        created_at=row.get(RowField.CREATED_AT),
        updated_at=row.get(RowField.UPDATED_AT),
    )


def _errors(stored: list[Mapping[str, Any]] | None) -> list[SourceError] | None:
    if stored is None:
        return None
    return [
        SourceError(
            file=str(found["file"]),
            line=None if found.get("line") is None else int(found["line"]),
            code=found.get("code"),
            message=str(found["message"]),
        )
        for found in stored
    ]


def _result(stored: Mapping[str, Any] | None) -> TaskResult | None:
    if stored is None:
        return None
    return TaskResult(
        wasm_path=stored["wasm_path"],
        image_url=stored["image_url"],
        digest=stored.get("digest"),
        size=None if stored.get("size") is None else int(stored["size"]),
        way=stored.get("way"),
        duration={step: int(milliseconds) / 1000 for step, milliseconds in stored.get("duration_ms", {}).items()},
        toolchain=dict(stored.get("toolchain", {})),
        cached=bool(stored.get("cached", False)),
    )
