"""What the API says of apps that are there: state, history, rollback, deletion."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from functions.models.requests import RequestModel


class Replicas(BaseModel):
    """How many replicas there should be and are."""

    desired: int | None = Field(description="What the Deployment asks for; null while there is none.")
    ready: int
    updated: int = Field(description="Of the newest version.")


class Autoscaling(BaseModel):
    """The app's HorizontalPodAutoscaler."""

    min_replicas: int
    max_replicas: int
    target_cpu: int | None = Field(description="Percent of the CPU request to keep.")
    current_cpu: int | None = Field(description="Percent now; null while nothing is measured.")
    desired_replicas: int


class Condition(BaseModel):
    """One condition of the SpinApp or its Deployment."""

    source: Literal["SpinApp", "Deployment"]
    type: str
    status: str
    reason: str | None = None
    message: str | None = None


class AppEvent(BaseModel):
    """Something that Kubernetes reported about the app or its pods."""

    type: str
    reason: str
    message: str
    object: str = Field(description="Kind and name: Pod/my-function-5d9.")
    count: int
    last_seen: str | None


class PodProblem(BaseModel):
    """A pod that does not run as it should."""

    pod: str
    reason: str = Field(description="For example ImagePullBackOff or CrashLoopBackOff.")
    message: str


class AppSummary(BaseModel):
    """One app of a namespace."""

    app_name: str
    namespace: str
    image: str = Field(description="Image as it was asked for.")
    digest: str | None
    revision: int
    enable_autoscaling: bool
    use_spot: bool
    ready_replicas: int
    available: bool | None = Field(description="The SpinApp's own word; null when it has not said yet.")
    managed: bool = Field(description="Whether this service made it.")


class AppList(BaseModel):
    """A namespace's apps, by name."""

    namespace: str
    apps: list[AppSummary]


class AppState(BaseModel):
    """An app as the cluster has it now."""

    app_name: str
    namespace: str
    status: Literal["available", "progressing", "failing"]
    error: str | None = Field(description="Why it does not come up, if it is known.")
    image: str = Field(description="Image as it was asked for.")
    digest: str | None
    revision: int
    managed: bool = Field(description="Whether this service made it.")
    enable_autoscaling: bool
    use_spot: bool
    service_name: str
    service_status: Literal["found", "pending"]
    endpoint: str = Field(description="DNS name inside the cluster.")
    replicas: Replicas
    autoscaling: Autoscaling | None
    conditions: list[Condition]
    problems: list[PodProblem]
    events: list[AppEvent] = Field(description="Newest first; Kubernetes keeps them for about an hour.")


class RevisionEntry(BaseModel):
    """One deploy in an app's history."""

    revision: int
    image: str = Field(description="Image as it was asked for.")
    digest: str | None
    deployed_by: str | None = Field(description="Who asked for it; null: it was not deployed by this service.")
    deployed_at: str | None = Field(description="UTC, ISO 8601.")
    changed: list[str] = Field(description="What it changed, by field.")
    rollback_of: int | None = Field(default=None, description="The revision that it went back to.")
    current: bool


class RevisionList(BaseModel):
    """An app's history, newest first."""

    app_name: str
    namespace: str
    revisions: list[RevisionEntry]


class RollbackRequest(RequestModel):
    """Where to go back to. A field that is ``null`` or ``""`` counts as left out."""

    model_config = ConfigDict(strict=True)

    revision: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Left out: the one before.")
    wait: bool = Field(default=False, description="Answer when the version serves, or after about 20 seconds.")


class AppDeleted(BaseModel):
    """Answer to DELETE."""

    app_name: str
    namespace: str
    message: str = "App deleted"
