"""State SignImage of the build pipeline: sign the image of a task that is done."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.tasks.named_task import NamedTask
from functions.tasks.signer import ImageSigner, SignerSettings, UnsignableError
from functions.telemetry import logger, tracer


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Sign the image; answers the tags of signature and attestations, or why there are none."""
    task = NamedTask.model_validate(event).key
    try:
        return {"signed": ImageSigner.of(SignerSettings.read()).sign(task)}
    except UnsignableError as error:
        logger.warning("image not signed", extra={**task.fields(), "reason": str(error)})
        return {"not_signed": str(error)}
