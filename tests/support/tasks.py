"""Tasks without a request or a build: rows as a submission makes them, ends as the state machine brings them."""

from collections.abc import Sequence
from typing import Any

from functions.contracts.build_result import Finding
from functions.contracts.task import UNSETTLED, TaskKey
from functions.contracts.task_row import StoredResult, TaskRow
from functions.contracts.timestamps import timestamp, utc_now
from functions.tasks.outcome import Outcomes
from functions.tasks.settings import TaskSettings

WORKSPACE = "my-workspace"
RESULT = StoredResult(wasm_path="s3://b/app.wasm", image_url="host/repo:tag")


def outcomes() -> Outcomes:
    """What ends tasks, by the environment of the test."""
    return Outcomes.of(TaskSettings.read())


def done(task_id: str, result: StoredResult = RESULT, workspace_id: str = WORKSPACE) -> None:
    """End a running task with a result."""
    assert outcomes().done(TaskKey(workspace_id, task_id), result)


def failed(task_id: str, error: str = "no", findings: Sequence[Finding] = ()) -> None:
    """End a running task with an error."""
    assert outcomes().fail(TaskKey(WORKSPACE, task_id), error, findings)


def create(task_id: str, **fields: Any) -> TaskRow:
    """Make the row of a pending task that holds a registry password; ``fields`` are others, or other values."""
    now = timestamp(utc_now())
    row = {
        "workspace_id": WORKSPACE,
        "task_id": task_id,
        "status": "pending",
        "source_key": "build-sources/x/app.py",
        "image_repository": "host/repo",
        "registry_credentials": b"sealed",
        "created_at": now,
        "updated_at": now,
        "expires_at": int(utc_now().timestamp()) + 24 * 60 * 60,
        "unsettled": UNSETTLED,
    }
    made = TaskRow.from_item(row | fields)
    assert outcomes().tasks.create(made)
    return made
