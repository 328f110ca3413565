"""States RecordResult and RecordFailure of the build pipeline: the one place where a task ends in the normal course."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from functions.contracts.task import TaskKey
from functions.tasks.outcome import Outcomes, reason_from_failure, reason_without_report
from functions.tasks.settings import TaskSettings
from functions.telemetry import logger, tracer


class EndedBuild(BaseModel):
    """Input of both states; ``error`` and ``cause`` are there after a failure only."""

    model_config = ConfigDict(extra="ignore")

    workspace_id: str
    task_id: str
    error: str = ""
    cause: str = ""


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str]:
    """End the task by what the builder reported; answers ``{"status": "done" | "failed"}``."""
    build = EndedBuild.model_validate(event)
    if build.error:
        reason = reason_from_failure(build.error, build.cause, build.task_id)
    else:
        reason = reason_without_report(build.task_id)
    status = Outcomes.of(TaskSettings.read()).by_report(TaskKey(build.workspace_id, build.task_id), reason)
    return {"status": status.value}
