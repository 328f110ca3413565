"""The ``deploy`` block of a build: what is to be done with the image, and what came of it.

It is checked before anything is built, by the same rules as a deploy (`functions.api.deploy_block`); it waits in the
task's row, and the pipeline's state Deploy (`functions.api.build_deployment`) carries it out.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from functions.contracts.task import RowField, TaskStatus
from functions.models.builds import TaskDeployment
from functions.models.deploy import DeployOptions
from functions.tasks.environment import Environment

NAMESPACE: Final = "namespace"
"""Key of the row's block, for the state machine: it tells that there is a block without showing the rest of it."""
OPTIONS: Final = "options"
"""Key of the row's block: the request's own fields as JSON text."""
REQUESTED_BY: Final = "requested_by"
"""Key of the row's block: who sent the build."""


class NoClusterError(Exception):
    """This installation builds only."""


def block_for_row(environment: Environment, options: DeployOptions, requested_by: str) -> dict[str, str]:
    """The block as the row keeps it.

    Raises
    ------
    NoClusterError
        There is nothing to deploy to.
    """
    if not environment.deploys:
        raise NoClusterError(
            "This installation has no cluster to deploy to: it builds and pushes images only. Leave out 'deploy'."
        )
    stored = options.model_dump_json(exclude_unset=True)
    return {NAMESPACE: options.namespace, OPTIONS: stored, REQUESTED_BY: requested_by}


def deployment_view(row: Mapping[str, Any]) -> TaskDeployment | None:
    """The deployment as the task shows it; None when none was asked for, or the build failed."""
    block, status = row.get(RowField.DEPLOY), row[RowField.STATUS]
    if not block or status == TaskStatus.FAILED:
        return None
    namespace = str(block[NAMESPACE])
    if RowField.DEPLOYMENT not in row:
        return TaskDeployment(status="pending", namespace=namespace)
    outcome = json.loads(row[RowField.DEPLOYMENT])
    if "app_name" not in outcome:
        return TaskDeployment(status="failed", namespace=namespace, error=outcome.get("error"))
    shown = {name: outcome.get(name) for name in ("app_name", "endpoint", "image", "digest", "revision", "error")}
    return TaskDeployment(status="deployed", namespace=namespace, **shown)
