"""State WaitForSlot of the build pipeline: a build waits for its turn."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.tasks.admission import Admission
from functions.tasks.named_task import NamedTask
from functions.tasks.settings import SlotSettings
from functions.telemetry import logger, tracer


class WaitingTask(NamedTask):
    """Input of the state: ``token`` lets the execution go on."""

    token: str


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Have the task wait; its execution goes on when it has a slot, which may be at once."""
    waiting = WaitingTask.model_validate(event)
    Admission.of(SlotSettings.read()).wait(waiting.key, waiting.token)
