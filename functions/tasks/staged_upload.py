"""The upload that a task has been waiting for is there (POST /api/v1/uploads): its build starts.

S3 has held the upload to the announced size and checksum; what it recorded of them is compared once more. Delivering
the event again repeats harmless steps: the task stops being one that waits only when its execution has been started.
"""

from collections.abc import Mapping
from typing import Any

from functions.contracts.task import RowField, TaskStatus
from functions.tasks import outcome
from functions.tasks.environment import Environment
from functions.tasks.store import TaskStore
from functions.tasks.submission import copy_source, start_execution
from functions.telemetry import logger


def take_in(
    workspace_id: str, task_id: str, key: str, version_id: str, head: Mapping[str, Any]
) -> dict[str, str] | None:
    """Start the build of a staged upload.

    Parameters
    ----------
    head
        S3's answer to HeadObject with the checksum.

    Returns
    -------
    dict or None
        ``{"task_id": ...}``; None when no task waits for the object.
    """
    environment = Environment.read()
    tasks = TaskStore.named(environment.task_table)
    row = tasks.get(workspace_id, task_id)
    if row is None or row[RowField.STATUS] != TaskStatus.PENDING or RowField.UPLOAD_SHA256 not in row:
        logger.info("no task waits for this upload", key=key)
        return None
    if head.get("ChecksumSHA256") != row[RowField.UPLOAD_SHA256]:
        logger.warning("the upload is not the announced one", key=key)
        reason = "The uploaded file is not the announced one: its SHA-256 differs. Announce it again."
        outcome.fail(environment, workspace_id, task_id, reason)
        return None
    copy_source(environment, key, version_id)(str(row[RowField.SOURCE_KEY]))
    start_execution(environment.state_machine_arn, workspace_id, task_id)
    tasks.upload_arrived(workspace_id, task_id)
    logger.info("announced upload arrived", workspace_id=workspace_id, task_id=task_id)
    return {"task_id": task_id}
