"""Ask the deploy function, before a build, whether the deploy block of a request would be carried out after it.

The functions of the build API do not reach the cluster: the deploy function does, in its network and with its rights.
"""

import json
from http import HTTPStatus
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from functions.api.settings import BuildApiSettings
from functions.aws import clients
from functions.contracts.task_row import DeployBlock
from functions.models.rehearsal import Rehearsal, RehearsalAnswer
from functions.telemetry import logger

_NO_ANSWER: Final = "the deploy function did not answer."


class DeploymentRefusedError(Exception):
    """A deploy would refuse the block; the text is that of the deploy."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)


def checked(
    settings: BuildApiSettings, workspace_id: str, block: DeployBlock | None, image_repository: str
) -> DeployBlock | None:
    """Return the block of a request, if it has one; if nobody can tell whether it will be carried out, it says so.

    Raises
    ------
    DeploymentRefusedError
        It would be refused.
    """
    if block is None:
        return None
    asked = Rehearsal(workspace_id=workspace_id, block=block, image_repository=image_repository)
    answer = _ask(settings.deploy_function, asked)
    if answer.refused is not None:
        raise DeploymentRefusedError(answer.refused, answer.status or HTTPStatus.UNPROCESSABLE_ENTITY)
    if answer.unknown is None:
        return block
    unchecked = f"Whether namespace '{block.namespace}' takes the deployment is not known yet: {answer.unknown}"
    return block.model_copy(update={"unchecked": unchecked})


def _ask(function: str, asked: Rehearsal) -> RehearsalAnswer:
    try:
        called = clients.lambda_.invoke(FunctionName=function, Payload=asked.model_dump_json().encode())
        if "FunctionError" not in called:
            return RehearsalAnswer.model_validate(json.loads(called["Payload"].read()))
        reason = called["FunctionError"]
    except (ClientError, BotoCoreError, ValidationError, ValueError) as error:
        reason = type(error).__name__
    logger.warning("deployment not rehearsed", reason=reason)
    return RehearsalAnswer(unknown=_NO_ANSWER)
