"""EventBridge: an execution ended as FAILED, TIMED_OUT or ABORTED. Whatever it left open is ended here."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from functions.contracts.task import TaskKey
from functions.tasks.outcome import Outcomes, reason_from_end
from functions.tasks.settings import TaskSettings
from functions.telemetry import logger, tracer


class ExecutionInput(BaseModel):
    """What `functions.tasks.submission` started the execution with."""

    model_config = ConfigDict(extra="ignore")

    workspace_id: str
    task_id: str


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """End the task of an execution that did not end it itself (event "Step Functions Execution Status Change")."""
    detail = event["detail"]
    execution = ExecutionInput.model_validate(json.loads(detail["input"]))
    reason = reason_from_end(detail["status"], execution.task_id)
    Outcomes.of(TaskSettings.read()).by_report(TaskKey(execution.workspace_id, execution.task_id), reason)
