"""Deploy blocks of builds: asked for by the build API before the build, carried out by the state Deploy after it.

A deployment that fails does not undo the build: the task stays done, and its ``deployment`` has the error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from functions.api.cluster_errors import answer_to, reported
from functions.api.deployments import Deployments
from functions.cluster.errors import ClusterError, RefusedError
from functions.cluster.settings import DeploySettings
from functions.contracts.task import TaskKey
from functions.contracts.task_row import DeployBlock
from functions.models.deploy import DeployOptions, DeployRequest
from functions.models.rehearsal import REHEARSAL_SECONDS, Rehearsal, RehearsalAnswer
from functions.tasks.store import TaskStore
from functions.tasks.waiting import TooManyWaitingError
from functions.telemetry import logger
from functions.tenancy import audit
from functions.tenancy.access import as_workspace
from functions.tenancy.audit import AuditEntry
from functions.tenancy.workspace import AppScope, NotFoundForCallerError

_NO_TAG_YET: Final = "not-built-yet"
_OURS: Final = 500
"""Statuses from here on say nothing about the request."""


class BuiltTask(BaseModel):
    """Input of the state. The options are read from the task's row, so that no execution log contains them."""

    model_config = ConfigDict(extra="ignore")

    workspace_id: str
    task_id: str


@dataclass(frozen=True, slots=True)
class _Deploy:
    """A deploy block, ready to be carried out or rehearsed in the name of its workspace."""

    request: DeployRequest
    scope: AppScope
    by: str

    @classmethod
    def of(cls, workspace_id: str, block: DeployBlock, image: str) -> Self:
        """Read the block; what the workspace may do is looked up, since it may have changed."""
        workspace = as_workspace(DeploySettings.read(), workspace_id)
        workspace.check_namespace(block.namespace)
        options = DeployOptions.model_validate_json(block.options)
        request = DeployRequest(image_ref=image, **options.model_dump(exclude_unset=True))
        scope = AppScope((workspace,), enforced=workspace.policy is not None)
        return cls(request, scope, block.requested_by)

    def opened(self, context: LambdaContext, **limits: float) -> Deployments:
        """Open the cluster for it."""
        return Deployments.open(context, self.by, self.request.namespace, self.scope, **limits)


def rehearse(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer whether a deploy block would be carried out now: the build API asks it before the build."""
    asked = Rehearsal.model_validate(event)
    image = f"{asked.image_repository}:{_NO_TAG_YET}"
    try:
        deploy = _Deploy.of(asked.workspace_id, asked.block, image)
        deploy.opened(context, seconds=REHEARSAL_SECONDS).rehearse(deploy.request)
    except NotFoundForCallerError as error:
        answer = RehearsalAnswer(refused=str(error), status=404)
    except (RefusedError, ClusterError) as error:
        given = answer_to(error, changes=False)
        logger.info("deployment rehearsed", status=int(given.status), reason=type(error).__name__)
        if given.status < _OURS:
            answer = RehearsalAnswer(refused=given.detail, status=given.status)
        else:
            answer = RehearsalAnswer(unknown=given.detail)
    else:
        answer = RehearsalAnswer()
    return answer.model_dump(mode="json")


def deploy(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Deploy the task's image; return the response of a deploy, or ``{"error": …}``."""
    task = BuiltTask.model_validate(event)
    row = TaskStore(DeploySettings.read().task_table).get(TaskKey(task.workspace_id, task.task_id))
    if row is None or row.deploy is None or row.result is None:
        return {"error": "There is nothing to deploy: the task has no image, or asks for no deployment."}
    entry = AuditEntry(row.deploy.requested_by, f"deploy the image of task {task.task_id}", "build pipeline")
    with audit.recording(entry):
        return _deploy(task, row.deploy, row.result.image_url, context)


def _deploy(task: BuiltTask, block: DeployBlock, image: str, context: LambdaContext) -> dict[str, Any]:
    try:
        deploy = _Deploy.of(task.workspace_id, block, image)
        deployments = deploy.opened(context)
        try:
            answer = deployments.deploy(deploy.request)
        except TooManyWaitingError:
            # Nobody is there to ask again: the task tells of the deployment without how its rollout went.
            answer = deployments.deploy(deploy.request.model_copy(update={"wait": False}))
    except NotFoundForCallerError as error:
        return {"error": str(error)}
    except (RefusedError, ClusterError) as error:
        return {"error": reported(error, changes=True).detail}
    except ValidationError:
        # The options were checked with the request: only the image reference can be one that a deploy does not accept.
        logger.exception("built image cannot be deployed", task_id=task.task_id)
        return {"error": f"Image '{image}' cannot be deployed by its reference."}
    return answer.model_dump(mode="json")
