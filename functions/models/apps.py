"""Models of deployed apps: their state, history, rollback and removal."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.models.requests import RequestModel
from functions.models.values import Moment

_NAME = "Name of the app; also the name of its SpinApp, Deployment and Service."
_NAMESPACE = "Kubernetes namespace of the app."
_IMAGE = "Image reference as the deploy request named it."
_DIGEST = "Digest of the image that runs; null if the image is not pinned to one."
_REVISION = "Number of the app's current revision."
_POD = "my-function-5d9c7b6f4-x2x7k"
_EXAMPLE_IMAGE = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas-app:a1b2c3d4"
_EXAMPLE_DIGEST = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
_WORKSPACE = "Workspace that the app belongs to; null if it belongs to none."
_MANAGED = "Whether this service created the app; false for a SpinApp created by other means."
_AUTOSCALING = "Whether a HorizontalPodAutoscaler sets the number of replicas."
_SPOT = "Whether the app prefers spot instances."
_EXAMPLE_URL = "https://my-function.apps.example.com/"
_URL = "Address of the app from outside the cluster; null if it is not exposed."
_ENDPOINT = "DNS name of the app's Service inside the cluster."


class Replicas(BaseModel):
    """The app's desired and actual number of replicas."""

    desired: int | None = Field(
        description="Replicas that the Deployment asks for; null if there is no Deployment.", examples=[2]
    )
    ready: int = Field(description="Replicas that accept requests, of any version.", examples=[2])
    updated: int = Field(description="Replicas that run the current version.", examples=[2])
    restarts: int = Field(
        default=0, description="Restarts of the functions in the pods that are there now, of any version.", examples=[0]
    )


class Autoscaling(BaseModel):
    """The state of the app's HorizontalPodAutoscaler."""

    min_replicas: int = Field(description="Lower limit for the number of replicas.", examples=[1])
    max_replicas: int = Field(description="Upper limit for the number of replicas.", examples=[10])
    target_cpu: int | None = Field(description="Target CPU utilization, in percent of the CPU request.", examples=[50])
    current_cpu: int | None = Field(
        description="Current CPU utilization, in percent of the CPU request; null until it has been measured.",
        examples=[35],
    )
    desired_replicas: int = Field(description="Number of replicas that the autoscaler asks for.", examples=[2])


class Condition(BaseModel):
    """A status condition of the SpinApp or of its Deployment."""

    source: Literal["SpinApp", "Deployment"] = Field(description="Kind of the object that has the condition.")
    type: str = Field(description="Type of the condition.", examples=["Available"])
    status: str = Field(description="Status of the condition: True, False or Unknown.", examples=["True"])
    reason: str | None = Field(default=None, description="Machine-readable reason for the status.")
    message: str | None = Field(default=None, description="Explanation of the status.")


class AppEvent(BaseModel):
    """A Kubernetes event about the app or one of its pods."""

    type: str = Field(description="Type of the event: Normal or Warning.", examples=["Warning"])
    reason: str = Field(description="Machine-readable reason for the event.", examples=["FailedScheduling"])
    message: str = Field(
        description="Explanation of the event.", examples=["0/2 nodes are available: 2 Insufficient memory."]
    )
    object: str = Field(description="Kind and name of the object that the event is about.", examples=["Pod/my-app-5d9"])
    count: int = Field(description="Number of times that the event has occurred.", examples=[3])
    last_seen: Moment | None = Field(description="Time of the latest occurrence (ISO 8601, UTC).")


class PodProblem(BaseModel):
    """The reason why a pod does not run, or the last error of the function that runs in it."""

    pod: str = Field(description="Name of the pod.", examples=[_POD])
    reason: str = Field(
        description="Machine-readable reason. FunctionCrashed: a request failed in the function within the last hour.",
        examples=["FunctionCrashed", "ImagePullBackOff", "CrashLoopBackOff"],
    )
    message: str = Field(
        description="Explanation of the reason; of a crash, the Python error and the line that raised it.",
        examples=["KeyError: 'name' (app.py:12, in handle_request). At 2026-01-02T03:04:05Z"],
    )


class AppLogLine(BaseModel):
    """A line that a replica of the app has printed."""

    timestamp: str = Field(
        description="Time at which the line was printed (RFC 3339, UTC, nanoseconds).",
        examples=["2026-01-02T03:04:05.123456789Z"],
    )
    replica: str = Field(description="Name of the replica's pod.", examples=[_POD])
    message: str = Field(description="Text of the line.", examples=["Hello, Ada!"])


class AppLogReplica(BaseModel):
    """A replica whose log was asked for."""

    name: str = Field(
        description="Name of the replica's pod, for the query parameter `replica`.",
        examples=[_POD],
    )
    note: str | None = Field(default=None, description="Reason why there are no lines of the replica.")


class AppLog(BaseModel):
    """Lines that the replicas of an app have printed, oldest first."""

    app_name: str = Field(description=_NAME, examples=["my-function"])
    namespace: str = Field(description=_NAMESPACE, examples=["default"])
    replicas: list[AppLogReplica] = Field(description="The app's replicas, newest first.")
    lines: list[AppLogLine] = Field(description="The newest lines of all replicas, in the order of time.")
    cut: bool = Field(description="Whether older lines that match the request may have been left out; see `tail`.")
    next: str | None = Field(
        description="Time of the newest line, for the query parameter `since` of a request for later lines; null if "
        "there are no lines and the request had no `since`."
    )


class AppSummary(BaseModel):
    """An app as a list shows it."""

    app_name: str = Field(description=_NAME, examples=["my-function"])
    namespace: str = Field(description=_NAMESPACE, examples=["default"])
    image: str = Field(description=_IMAGE, examples=[_EXAMPLE_IMAGE])
    digest: str | None = Field(description=_DIGEST, examples=[_EXAMPLE_DIGEST])
    revision: int = Field(description=_REVISION, examples=[3])
    enable_autoscaling: bool = Field(description=_AUTOSCALING, examples=[True])
    use_spot: bool = Field(description=_SPOT, examples=[True])
    ready_replicas: int = Field(description="Number of replicas that accept requests, of any version.", examples=[2])
    available: bool | None = Field(
        description="Whether the SpinApp reports the condition Available; null if it has not reported it yet.",
        examples=[True],
    )
    managed: bool = Field(description=_MANAGED, examples=[True])
    workspace_id: str | None = Field(default=None, description=_WORKSPACE, examples=["my-workspace"])
    url: str | None = Field(default=None, description=_URL, examples=[_EXAMPLE_URL])


class AppList(BaseModel):
    """The apps of a namespace, ordered by name."""

    namespace: str = Field(description="Kubernetes namespace of the apps.", examples=["default"])
    apps: list[AppSummary] = Field(
        description="SpinApps of the namespace: those of the caller's workspaces, or all where tenancy is open."
    )


class AppState(BaseModel):
    """The current state of an app in the cluster."""

    app_name: str = Field(description=_NAME, examples=["my-function"])
    namespace: str = Field(description=_NAMESPACE, examples=["default"])
    status: Literal["available", "progressing", "failing"] = Field(
        description="available: all replicas run the current version. progressing: the version is being rolled out. "
        "failing: the version cannot start; `error` has the reason."
    )
    error: str | None = Field(description="Reason why the current version does not start; null if none is known.")
    image: str = Field(description=_IMAGE, examples=[_EXAMPLE_IMAGE])
    digest: str | None = Field(description=_DIGEST, examples=[_EXAMPLE_DIGEST])
    revision: int = Field(description=_REVISION, examples=[3])
    managed: bool = Field(description=_MANAGED, examples=[True])
    enable_autoscaling: bool = Field(description=_AUTOSCALING, examples=[True])
    use_spot: bool = Field(description=_SPOT, examples=[True])
    service_name: str = Field(description="Name of the app's Service.", examples=["my-function"])
    service_status: Literal["found", "pending"] = Field(
        description="Whether the Service exists; pending if the operator has not created it yet."
    )
    endpoint: str = Field(description=_ENDPOINT, examples=["my-function.default.svc.cluster.local"])
    replicas: Replicas = Field(description="Desired and actual number of replicas.")
    autoscaling: Autoscaling | None = Field(description="State of the autoscaler; null if the app has none.")
    conditions: list[Condition] = Field(description="Conditions of the SpinApp and of its Deployment.")
    problems: list[PodProblem] = Field(description="Pods that do not run, each with the reason.")
    events: list[AppEvent] = Field(
        description="Events about the app and its failing pods, newest first. Kubernetes keeps them for about an hour."
    )
    workspace_id: str | None = Field(default=None, description=_WORKSPACE, examples=["my-workspace"])
    url: str | None = Field(default=None, description=_URL, examples=[_EXAMPLE_URL])


class RevisionEntry(BaseModel):
    """One deploy in the history of an app."""

    revision: int = Field(description="Number of the revision; the first deploy of an app is 1.", examples=[3])
    image: str = Field(description=_IMAGE, examples=[_EXAMPLE_IMAGE])
    digest: str | None = Field(
        description="Digest of the image; null if the image was not pinned to one.", examples=[_EXAMPLE_DIGEST]
    )
    deployed_by: str | None = Field(
        description="Caller who requested the deploy; null if the app was not deployed by this service.",
        examples=["arn:aws:sts::123456789012:assumed-role/team-a/alice"],
    )
    deployed_at: Moment | None = Field(description="Time of the deploy (ISO 8601, UTC).")
    changed: list[str] = Field(
        description="Fields that the deploy changed, without their values.", examples=[["image_ref", "cpu_limit"]]
    )
    rollback_of: int | None = Field(
        default=None, description="Revision that this deploy restored; null if it was not a rollback."
    )
    current: bool = Field(description="Whether this is the app's current revision.", examples=[True])
    host: str | None = Field(
        default=None,
        description="Host name of the app from outside the cluster; null if it was not exposed.",
        examples=["my-function.apps.example.com"],
    )


class RevisionList(BaseModel):
    """The history of an app, newest revision first."""

    app_name: str = Field(description=_NAME, examples=["my-function"])
    namespace: str = Field(description=_NAMESPACE, examples=["default"])
    revisions: list[RevisionEntry] = Field(description="The latest revisions of the app, at most 20.")


class RollbackRequest(RequestModel):
    """The revision to restore. A field that is ``null`` or ``""`` counts as absent."""

    model_config = ConfigDict(strict=True, json_schema_extra={"examples": [{"revision": 2, "wait": True}]})

    revision: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Number of the revision to restore. Default: the revision before the current one.",
        examples=[2],
    )
    wait: bool = Field(
        default=False,
        description="Wait until the restored version accepts requests, for about 20 seconds at most, before answering. "
        "Default: false.",
    )


class AppDeleted(BaseModel):
    """Confirmation that an app has been deleted."""

    app_name: str = Field(description="Name of the deleted app.", examples=["my-function"])
    namespace: str = Field(description="Kubernetes namespace of the deleted app.", examples=["default"])
    message: str = Field(default="App deleted", description="Confirmation for people.")
