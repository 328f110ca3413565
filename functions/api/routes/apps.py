"""POST /api/v1/deploy, and everything under /api/v1/apps: what runs on the cluster."""

from http import HTTPStatus
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from functions.api.caller import caller
from functions.api.deployments import Deployments
from functions.cluster.names import ObjectName
from functions.models.apps import AppDeleted, AppList, AppState, RevisionList, RollbackRequest
from functions.models.builds import Problem
from functions.models.deploy import AppName, DeployRequest, DeployResponse, Namespace

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations

NamespaceInPath = Annotated[Namespace, Path()]
AppNameInPath = Annotated[AppName, Path()]

_DESCRIPTIONS: Final = {
    HTTPStatus.FORBIDDEN: "Images from this registry are not allowed, or the namespace is not open to this service.",
    HTTPStatus.NOT_FOUND: "There is no such namespace, app or revision.",
    HTTPStatus.CONFLICT: "Others changed the app at the same time, its name is taken, or the namespace takes no more.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request has not the documented form, the image is not in its registry, or "
    "what it names is not in the namespace.",
    HTTPStatus.BAD_GATEWAY: "The cluster refused this service, or answered what makes no sense.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The cluster does not answer; Retry-After says when to try again.",
    HTTPStatus.GATEWAY_TIMEOUT: "The cluster was too slow: look whether the change was made before repeating it.",
}


def _documented(model: type[object], *problems: HTTPStatus) -> dict[int, OpenAPIResponse]:
    """The ``responses`` of a route that asks the cluster."""
    everywhere = (
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    )
    responses: dict[int, OpenAPIResponse] = {
        200: {"description": "Success", "content": {"application/json": {"model": model}}}
    }
    for status in sorted({*problems, *everywhere}):
        content = {"application/json": {"model": Problem}}
        responses[int(status)] = {"description": _DESCRIPTIONS[status], "content": content}  # type: ignore[typeddict-item]  # a literal's type is not inferred through a variable
    return responses


def _deployments(namespace: str) -> Deployments:
    return Deployments.open(router.lambda_context, caller(router.current_event.raw_event), namespace)


@router.post(
    "/api/v1/deploy",
    summary="Deploy an image",
    tags=["Apps"],
    operation_id="deploy",
    responses=_documented(DeployResponse, HTTPStatus.CONFLICT),
)
def deploy(request: Annotated[DeployRequest, Body()]) -> DeployResponse:
    """A new app, or with the ``app_name`` of one that exists, its next version."""
    return _deployments(request.namespace).deploy(request)


@router.get(
    "/api/v1/apps",
    summary="The apps of a namespace",
    tags=["Apps"],
    operation_id="listApps",
    responses=_documented(AppList),
)
def list_apps(namespace: Annotated[Namespace, Query()]) -> AppList:
    """All SpinApps of the namespace, by name."""
    return _deployments(namespace).list(namespace)


@router.get(
    "/api/v1/apps/<namespace>/<app_name>",
    summary="An app as it is now",
    tags=["Apps"],
    operation_id="getApp",
    responses=_documented(AppState),
)
def get_app(namespace: NamespaceInPath, app_name: AppNameInPath) -> AppState:
    """Its image, revision, replicas, conditions and events, and why it does not come up if it does not."""
    return _deployments(namespace).state(ObjectName(namespace, app_name))


@router.get(
    "/api/v1/apps/<namespace>/<app_name>/revisions",
    summary="An app's history",
    tags=["Apps"],
    operation_id="listRevisions",
    responses=_documented(RevisionList),
)
def list_revisions(namespace: NamespaceInPath, app_name: AppNameInPath) -> RevisionList:
    """Its deploys, newest first: who, when, which image, what it changed. The last 20 are kept."""
    return _deployments(namespace).revisions(ObjectName(namespace, app_name))


@router.post(
    "/api/v1/apps/<namespace>/<app_name>/rollback",
    summary="Go back to an earlier revision",
    tags=["Apps"],
    operation_id="rollBack",
    responses=_documented(DeployResponse, HTTPStatus.CONFLICT),
)
def roll_back(
    namespace: NamespaceInPath,
    app_name: AppNameInPath,
    request: Annotated[RollbackRequest | None, Body()] = None,
) -> DeployResponse:
    """The one before the current, or a named one; going back is a new revision with the old content."""
    return _deployments(namespace).roll_back(ObjectName(namespace, app_name), request or RollbackRequest())


@router.delete(
    "/api/v1/apps/<namespace>/<app_name>",
    summary="Remove an app",
    tags=["Apps"],
    operation_id="deleteApp",
    responses=_documented(AppDeleted, HTTPStatus.CONFLICT),
)
def delete_app(namespace: NamespaceInPath, app_name: AppNameInPath) -> AppDeleted:
    """The app with its autoscaler, if this service made it; images and builds stay."""
    return _deployments(namespace).delete(ObjectName(namespace, app_name))
