"""EventBridge: an execution ended as FAILED, TIMED_OUT or ABORTED. Whatever it left open is ended here.

What it had of the build slots goes on from here, too: of a task that was cancelled, nobody else gives it back.
"""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.tasks.admission import Admission
from functions.tasks.named_task import NamedTask
from functions.tasks.outcome import Outcomes, reason_from_end
from functions.tasks.settings import EndSettings
from functions.telemetry import logger, tracer


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """End the task of an execution that did not end it itself (event "Step Functions Execution Status Change")."""
    detail = event["detail"]
    task = NamedTask.model_validate(json.loads(detail["input"])).key
    reason = reason_from_end(detail["status"], task.task_id)
    settings = EndSettings.read()
    Outcomes.of(settings).by_report(task, reason)
    Admission.of(settings).give_back(task)
