"""POST /api/v1/deploy, and everything under /api/v1/apps: the apps of the cluster."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from functions.api.deployments import Deployments
from functions.api.documented_responses import RETRY_AFTER, responses
from functions.api.plain_text import also_text, text_answer, wants_text
from functions.aws import METRICS_SECONDS
from functions.cluster.deadline import WHOLE_ANSWER
from functions.cluster.errors import UnfitRequestError
from functions.cluster.logs import LogQuery
from functions.cluster.names import ObjectName
from functions.cluster.settings import DeploySettings
from functions.cluster.timestamps import ago, in_utc
from functions.cluster.traffic import Period, Window
from functions.contracts.names import WorkspaceId
from functions.contracts.spelling import Spelling
from functions.models.app_metrics import AppMetrics
from functions.models.apps import AppDeleted, AppList, AppLog, AppState, RevisionList, RollbackRequest
from functions.models.deploy import DeployRequest, DeployResponse, KubernetesAppName, Namespace
from functions.tasks.long_poll import MOST_SECONDS
from functions.tenancy.access import Access

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations

NamespaceInPath = Annotated[Namespace, Path(description="Kubernetes namespace of the app.")]
AppNameInPath = Annotated[KubernetesAppName, Path(description="Name of the app.")]
Workspace = Annotated[
    WorkspaceId | None,
    Query(description="Workspace that the apps belong to. Default: every workspace of the caller."),
]

ReplicaName = Annotated[
    str,
    Spelling(
        r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?",
        253,
        "not the name of a pod; the answer without `replica` names the replicas",
        "my-function-5d9c7b6f4-x2x7k",
    ),
]
LogTime = Annotated[
    str,
    Spelling(
        r"(?:[0-9]{1,6}[smh]|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z)",
        32,
        "write how long ago (90s, 10m, 2h) or a time (2026-01-02T03:04:05Z)",
        "10m",
    ),
]
Since = Annotated[
    LogTime | None,
    Query(
        description="Only later lines than this: a time (RFC 3339, UTC), or how long ago, in seconds, minutes or hours "
        "(`90s`, `10m`, `2h`).",
        examples=["10m", "2026-01-02T03:04:05.123456789Z"],
    ),
]
MOST_LINES: Final = 2000
MOST_MINUTES: Final = 24 * 60
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}

_EVERYWHERE: Final = {
    HTTPStatus.FORBIDDEN: "The service does not allow images from this registry, or has no access to the namespace.",
    HTTPStatus.NOT_FOUND: "The namespace, the app or the revision does not exist, or the caller has no access to it.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request does not match the schema, the image does not exist in its registry, "
    "or an object that the request names does not exist in the namespace.",
    HTTPStatus.BAD_GATEWAY: "The cluster rejected the request or returned an invalid response.",
    HTTPStatus.SERVICE_UNAVAILABLE: f"The cluster does not respond. {RETRY_AFTER}",
    HTTPStatus.GATEWAY_TIMEOUT: "The cluster did not respond in time. Check whether the change was made before you "
    "repeat the request.",
}
_ON_WAIT: Final = {
    HTTPStatus.TOO_MANY_REQUESTS: f"The request waits, and as many do already as may. {RETRY_AFTER}",
}
_ON_CHANGE: Final = {
    **_EVERYWHERE,
    **_ON_WAIT,
    HTTPStatus.CONFLICT: "The state of the app or of its namespace does not allow the request: for example, other "
    "requests change the app at the same time, the name belongs to another workload, or a quota is exceeded.",
}


def _moment(since: str | None) -> str | None:
    if since is None:
        return None
    if since[-1] in _SECONDS:
        return ago(int(since[:-1]) * _SECONDS[since[-1]])
    try:
        return in_utc(since)
    except ValueError:
        raise UnfitRequestError(f"since: '{since}' is not a time: there is no such day or hour") from None


def _deployments(namespace: str, workspace_id: str | None, seconds: float = WHOLE_ANSWER) -> Deployments:
    access = Access.of(DeploySettings.read(), router.current_event.raw_event)
    scope = access.apps(namespace, workspace_id)
    return Deployments.open(router.lambda_context, access.caller.name, namespace, scope, seconds=seconds)


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
    "/api/v1/apps/<namespace>/<app_name>/logs",
    summary="Get the log of an app",
    tags=["Apps"],
    operation_id="getAppLog",
    responses=also_text(responses(AppLog, {**_EVERYWHERE, **_ON_WAIT})),
)
def get_app_log(
    namespace: NamespaceInPath,
    app_name: AppNameInPath,
    workspace_id: Workspace = None,
    since: Since = None,
    tail: Annotated[int, Query(ge=1, le=MOST_LINES, description="Maximum number of lines: the newest ones.")] = 200,
    wait: Annotated[int, Query(ge=0, le=MOST_SECONDS, description="Seconds to wait for lines before answering.")] = 0,
    replica: Annotated[
        ReplicaName | None, Query(description="Name of the one replica whose lines are wanted. Default: all.")
    ] = None,
    previous: Annotated[
        bool, Query(description="Whether the log before the last restart of each replica is wanted.")
    ] = False,
) -> Response[Any]:
    """Get the newest lines that the app's replicas have printed, and errors of the function with their Python lines.

    With ``wait``, the response is delayed until there are lines or the time is over; ``since`` with the ``next`` of the
    previous response leads to later lines. Plain text with ``Accept: text/plain``.
    """
    query = LogQuery(tail=tail, since=_moment(since), previous=previous, replica=replica)
    log = _deployments(namespace, workspace_id).log(ObjectName(namespace, app_name), query, wait=wait)
    event = router.current_event
    if not wants_text(event.headers):
        return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, log)
    several = len(log.replicas) > 1
    lines = (f"{line.timestamp} {f'{line.replica} ' if several else ''}{line.message}" for line in log.lines)
    following = dict(event.query_string_parameters) | ({"since": log.next} if log.next is not None else {})
    return text_answer(lines, event.path, following)


@router.get(
    "/api/v1/apps/<namespace>/<app_name>/metrics",
    summary="Get requests, errors and latency of an app",
    tags=["Apps"],
    operation_id="getAppMetrics",
    responses=responses(AppMetrics, _EVERYWHERE),
)
def get_app_metrics(
    namespace: NamespaceInPath,
    app_name: AppNameInPath,
    workspace_id: Workspace = None,
    minutes: Annotated[int, Query(ge=1, le=MOST_MINUTES, description="Minutes to look back.")] = 60,
    period: Annotated[
        Period, Query(description="Seconds that each point of the answer is about.")
    ] = Period.FIVE_MINUTES,
) -> AppMetrics:
    """Get what was measured of the app's requests in the last minutes, and its replicas and restarts."""
    # The cluster is asked first, and leaves CloudWatch its time.
    deployments = _deployments(namespace, workspace_id, WHOLE_ANSWER - METRICS_SECONDS)
    return deployments.traffic(ObjectName(namespace, app_name), Window.until_now(minutes, period))


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
