"""POST /api/v1/deploy, and everything under /api/v1/apps: the apps of the cluster."""

from http import HTTPStatus
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from functions.api.deployments import Deployments
from functions.api.error_responses import RETRY_AFTER, responses
from functions.cluster.names import ObjectName
from functions.cluster.settings import DeploySettings
from functions.contracts.names import WorkspaceId
from functions.models.apps import AppDeleted, AppList, AppState, RevisionList, RollbackRequest
from functions.models.deploy import DeployRequest, DeployResponse, KubernetesAppName, Namespace
from functions.tenancy.access import Access

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations

NamespaceInPath = Annotated[Namespace, Path(description="Kubernetes namespace of the app.")]
AppNameInPath = Annotated[KubernetesAppName, Path(description="Name of the app.")]
Workspace = Annotated[
    WorkspaceId | None,
    Query(description="Workspace that the apps belong to. Default: every workspace of the caller."),
]

_EVERYWHERE: Final = {
    HTTPStatus.FORBIDDEN: "The service does not allow images from this registry, or has no access to the namespace.",
    HTTPStatus.NOT_FOUND: "The namespace, the app or the revision does not exist.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request does not match the schema, the image does not exist in its registry, "
    "or an object that the request names does not exist in the namespace.",
    HTTPStatus.BAD_GATEWAY: "The cluster rejected the request or returned an invalid response.",
    HTTPStatus.SERVICE_UNAVAILABLE: f"The cluster does not respond. {RETRY_AFTER}",
    HTTPStatus.GATEWAY_TIMEOUT: "The cluster did not respond in time. Check whether the change was made before you "
    "repeat the request.",
}
_ON_CHANGE: Final = {
    **_EVERYWHERE,
    HTTPStatus.CONFLICT: "The state of the app or of its namespace does not allow the request: for example, other "
    "requests change the app at the same time, the name belongs to another workload, or a quota is exceeded.",
}


def _deployments(namespace: str, workspace_id: str | None) -> Deployments:
    access = Access.of(DeploySettings.read(), router.current_event.raw_event)
    scope = access.apps(namespace, workspace_id)
    return Deployments.open(router.lambda_context, access.caller.name, namespace, scope)


@router.post(
    "/api/v1/deploy",
    summary="Deploy an image",
    tags=["Apps"],
    operation_id="deploy",
    responses=responses(DeployResponse, _ON_CHANGE),
)
def deploy(request: Annotated[DeployRequest, Body()]) -> DeployResponse:
    """Create an app, or update the app that has this ``app_name``."""
    return _deployments(request.namespace, request.workspace_id).deploy(request)


@router.get(
    "/api/v1/apps",
    summary="List the apps of a namespace",
    tags=["Apps"],
    operation_id="listApps",
    responses=responses(AppList, _EVERYWHERE),
)
def list_apps(
    namespace: Annotated[Namespace, Query(description="Kubernetes namespace of the apps.")],
    workspace_id: Workspace = None,
) -> AppList:
    """List the apps of the namespace that the caller may see, ordered by name."""
    return _deployments(namespace, workspace_id).list(namespace)


@router.get(
    "/api/v1/apps/<namespace>/<app_name>",
    summary="Get the current state of an app",
    tags=["Apps"],
    operation_id="getApp",
    responses=responses(AppState, _EVERYWHERE),
)
def get_app(namespace: NamespaceInPath, app_name: AppNameInPath, workspace_id: Workspace = None) -> AppState:
    """Get the image, revision, replicas, conditions and events of an app, and the reason if it does not start."""
    return _deployments(namespace, workspace_id).state(ObjectName(namespace, app_name))


@router.get(
    "/api/v1/apps/<namespace>/<app_name>/revisions",
    summary="List the revisions of an app",
    tags=["Apps"],
    operation_id="listRevisions",
    responses=responses(RevisionList, _EVERYWHERE),
)
def list_revisions(namespace: NamespaceInPath, app_name: AppNameInPath, workspace_id: Workspace = None) -> RevisionList:
    """List the deploys of an app, newest first: caller, time, image and changed fields. The last 20 are kept."""
    return _deployments(namespace, workspace_id).revisions(ObjectName(namespace, app_name))


@router.post(
    "/api/v1/apps/<namespace>/<app_name>/rollback",
    summary="Roll an app back to an earlier revision",
    tags=["Apps"],
    operation_id="rollBack",
    responses=responses(DeployResponse, _ON_CHANGE),
)
def roll_back(
    namespace: NamespaceInPath,
    app_name: AppNameInPath,
    workspace_id: Workspace = None,
    request: Annotated[RollbackRequest | None, Body()] = None,
) -> DeployResponse:
    """Restore the revision before the current one, or the given one. A rollback creates a new revision."""
    return _deployments(namespace, workspace_id).roll_back(
        ObjectName(namespace, app_name), request or RollbackRequest()
    )


@router.delete(
    "/api/v1/apps/<namespace>/<app_name>",
    summary="Delete an app",
    tags=["Apps"],
    operation_id="deleteApp",
    responses=responses(AppDeleted, _ON_CHANGE),
)
def delete_app(namespace: NamespaceInPath, app_name: AppNameInPath, workspace_id: Workspace = None) -> AppDeleted:
    """Delete an app that this service created, with its autoscaler. Its images and builds are kept."""
    return _deployments(namespace, workspace_id).delete(ObjectName(namespace, app_name))
