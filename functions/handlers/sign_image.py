"""State SignImage of the build pipeline: sign the image of a task that is done."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from functions.contracts.task import TaskKey
from functions.tasks.signer import ImageSigner, SignerSettings, UnsignableError
from functions.telemetry import logger, tracer


class DoneTask(BaseModel):
    """Input of the state."""

    model_config = ConfigDict(extra="ignore")

    workspace_id: str
    task_id: str


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Sign the image; answers the tags of signature and attestations, or why there are none."""
    done = DoneTask.model_validate(event)
    task = TaskKey(done.workspace_id, done.task_id)
    try:
        return {"signed": ImageSigner.of(SignerSettings.read()).sign(task)}
    except UnsignableError as error:
        logger.warning("image not signed", extra={**task.fields(), "reason": str(error)})
        return {"not_signed": str(error)}
