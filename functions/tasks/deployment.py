"""The ``deploy`` block of a build as the task shows it: waiting, carried out, or failed.

It is checked before anything is built, by the same rules as a deploy (`functions.api.deploy_block`), and the cluster is
asked (`functions.api.deployment_check`); it waits in the task's row, and the pipeline's state Deploy
(`functions.api.build_deployment`) carries it out.
"""

import json

from functions.contracts.task import TaskStatus
from functions.contracts.task_row import DeployBlock, TaskRow
from functions.models.builds import TaskDeployment
from functions.models.deploy import DeployOptions
from functions.tenancy.workspace import Workspace

_SHOWN = ("app_name", "endpoint", "image", "digest", "revision", "url", "error")
"""Fields of a deploy's answer that the task shows."""


class NoClusterError(Exception):
    """The installation builds only; the text says so."""

    def __init__(self) -> None:
        super().__init__(
            "This installation has no cluster to deploy to: it builds and pushes images only. Leave out 'deploy'."
        )


def block_for_row(options: DeployOptions, workspace: Workspace, requested_by: str, *, deploys: bool) -> DeployBlock:
    """Return the options as the row stores them.

    Raises
    ------
    NoClusterError
        There is nothing to deploy to (``deploys`` is False).
    NamespaceClosedToWorkspaceError
        The workspace may not deploy to the namespace.
    """
    if not deploys:
        raise NoClusterError
    workspace.check_namespace(options.namespace)
    stored = options.model_dump_json(exclude_unset=True)
    return DeployBlock(namespace=options.namespace, options=stored, requested_by=requested_by)


def deployment_view(row: TaskRow) -> TaskDeployment | None:
    """Return the deployment as the task shows it; None if none was requested, or the build failed."""
    if row.deploy is None or row.status == TaskStatus.FAILED:
        return None
    namespace, named = row.deploy.namespace, json.loads(row.deploy.options).get("app_name")
    if row.deployment is None:
        return TaskDeployment(status="pending", namespace=namespace, app_name=named, unchecked=row.deploy.unchecked)
    outcome = json.loads(row.deployment)
    if "app_name" not in outcome:
        return TaskDeployment(status="failed", namespace=namespace, app_name=named, error=outcome.get("error"))
    return TaskDeployment(status="deployed", namespace=namespace, **{name: outcome.get(name) for name in _SHOWN})
