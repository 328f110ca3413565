"""State Deploy of the build pipeline: deploy the image of a build with the options of its request.

A deployment that fails does not undo the build: the task stays done, and its ``deployment`` has the error.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from functions.api.cluster_errors import reported
from functions.api.deployments import Deployments
from functions.cluster.errors import ClusterError, RefusedError
from functions.cluster.settings import DeploySettings
from functions.contracts.task import TaskKey
from functions.contracts.task_row import DeployBlock
from functions.models.deploy import DeployOptions, DeployRequest
from functions.tasks.store import TaskStore
from functions.telemetry import logger
from functions.tenancy import audit
from functions.tenancy.access import as_workspace
from functions.tenancy.audit import AuditEntry
from functions.tenancy.workspace import AppScope, NotFoundForCallerError


class BuiltTask(BaseModel):
    """Input of the state. The options are read from the task's row, so that no execution log contains them."""

    model_config = ConfigDict(extra="ignore")

    workspace_id: str
    task_id: str


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
        # What the workspace may do was looked up when the build was asked for, and may have changed since.
        workspace = as_workspace(DeploySettings.read(), task.workspace_id)
        workspace.check_namespace(block.namespace)
        options = DeployOptions.model_validate_json(block.options)
        request = DeployRequest(image_ref=image, **options.model_dump(exclude_unset=True))
        scope = AppScope((workspace,), enforced=workspace.policy is not None)
        answer = Deployments.open(context, block.requested_by, request.namespace, scope).deploy(request)
    except NotFoundForCallerError as error:
        return {"error": str(error)}
    except (RefusedError, ClusterError) as error:
        return {"error": reported(error, changes=True).detail}
    except ValidationError:
        # The options were checked with the request: only the image reference can be one that a deploy does not accept.
        logger.exception("built image cannot be deployed", task_id=task.task_id)
        return {"error": f"Image '{image}' cannot be deployed by its reference."}
    return answer.model_dump(mode="json")
