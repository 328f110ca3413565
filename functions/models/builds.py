"""Requests and responses of the build API. Field names and order are the published contract."""

import base64
import binascii
import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from functions.contracts.build_result import Finding, Way
from functions.contracts.names import ImageRepository, SourceAppName, WorkspaceId, check_file_name
from functions.contracts.task import BuildStep, TaskStatus
from functions.models.deploy import DeployOptions
from functions.models.requests import Credential, RequestModel

_HEX_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def _sha256_as_base64(value: str) -> str:
    if _HEX_SHA256.fullmatch(value):
        return base64.b64encode(bytes.fromhex(value)).decode()
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 32:
        raise ValueError("expected a SHA-256 as 64 hexadecimal digits (sha256sum) or as base64")
    return base64.b64encode(digest).decode()


Sha256 = Annotated[str, AfterValidator(_sha256_as_base64)]
"""A SHA-256 in hexadecimal or base64; base64 after validation, as S3 wants it."""
FileName = Annotated[str, AfterValidator(check_file_name)]
Step = Literal["upload", "queue", BuildStep, "deploy"]
"""What a task is at."""

WORKSPACE_ID: Final = "Workspace that the task belongs to."
APP_NAME: Final = (
    "Name of the app. It is shown in the task. A single .py file also gets it in the generated spin.toml, where the "
    "default is the name of the file."
)
REGISTRY_URL: Final = "Image repository to push to, as host/path. Default: the service's own repository."
USERNAME: Final = "User name for the registry; required with `password`."
PASSWORD: Final = "Password for the registry; required with `username`."  # noqa: S105  # a description
_TASK_ID: Final = "UUIDv7 of the task, as GET /api/v1/tasks/{task_id} takes it."
TASK_CREATED: Final = "Build and push task created"
_REPOSITORY: Final = "registry.example.com/team/app"
_IMAGE: Final = f"{_REPOSITORY}:1.0.0"


class Health(BaseModel):
    """Confirmation that the API is up."""

    status: str = Field(default="ok", description="Always ok.")


class Problem(BaseModel):
    """The response to every request that fails: what happened, where, and what to do."""

    detail: str | list[dict[str, Any]] = Field(
        description="Explanation of the error. If the request does not match the schema, a list with an entry for "
        "each mismatch: its location (`loc`), message (`msg`) and type (`type`)."
    )


class TaskCreated(BaseModel):
    """The response to an accepted upload."""

    task_id: str = Field(description=_TASK_ID)
    status: TaskStatus = Field(default=TaskStatus.PENDING, description="Status of the task.")
    message: str = Field(
        default=TASK_CREATED,
        description="Confirmation for people. If the request asks for a deployment, and the cluster could not be asked "
        "whether it will accept it, the reason is added.",
    )
    source_s3_path: str = Field(
        description="S3 URI of the folder that keeps the uploaded source.",
        examples=["s3://code-bucket/build-sources/team-a/01939f3e-7c1a-7b3e-9d2f-5a4c6e8b0d12/"],
    )


class UploadRequest(RequestModel):
    """The description of a file that the client will send directly to S3, for sources over the API's size limit.

    A field that is ``null`` or ``""`` counts as absent.
    """

    workspace_id: WorkspaceId = Field(description=WORKSPACE_ID)
    file_name: FileName = Field(description="Name of the .py file or .zip archive.", examples=["app.zip"])
    size: Annotated[int, Field(gt=0, strict=True)] = Field(description="Exact size of the file in bytes.")
    sha256: Sha256 = Field(
        description="SHA-256 digest of the file, in hexadecimal or base64. S3 rejects a file with another digest."
    )
    app_name: SourceAppName | None = Field(default=None, description=APP_NAME)
    registry_url: ImageRepository | None = Field(default=None, description=REGISTRY_URL, examples=[_REPOSITORY])
    username: Credential | None = Field(default=None, description=USERNAME)
    password: Credential | None = Field(default=None, repr=False, description=PASSWORD)
    deploy: DeployOptions | None = Field(
        default=None, description="Deploy the image after the build, with these options. Default: do not deploy."
    )


class UploadTarget(BaseModel):
    """The one HTTP request that sends the file to S3."""

    method: Literal["PUT"] = Field(default="PUT", description="HTTP method of the request.")
    url: str = Field(description="Presigned URL of the request. Anyone who has the URL can send this one file.")
    headers: dict[str, str] = Field(
        description="Headers of the request. Send them unchanged: they are part of the signature."
    )
    expires_at: str = Field(description="Time by which the upload must begin (ISO 8601, UTC).")


class UploadCreated(BaseModel):
    """A presigned upload and its task. The build starts when the file is in S3."""

    task_id: str = Field(description=_TASK_ID)
    status: TaskStatus = Field(
        description="Status of the task: pending, or done if an earlier build of the same source was reused."
    )
    source_s3_path: str = Field(description="S3 URI of the folder that keeps the source after the upload.")
    upload: UploadTarget | None = Field(
        description="Request that sends the file. null if no file is needed, or if the time for sending it is over."
    )


class TaskResult(BaseModel):
    """The output of a successful build."""

    model_config = ConfigDict(from_attributes=True)

    wasm_path: str = Field(description="S3 URI of the WebAssembly component.")
    image_url: str = Field(
        description="Reference of the pushed image, as a deploy request takes it in `image_ref`.", examples=[_IMAGE]
    )
    digest: str | None = Field(default=None, description="SHA-256 digest of the image's manifest.")
    size: int | None = Field(default=None, description="Size of the component in bytes.")
    way: Way | None = Field(
        default=None, description="Method that built the component. Components of both methods behave the same."
    )
    duration: dict[str, float] = Field(
        default_factory=dict, description="Duration of each build step in seconds, by the step's name."
    )
    toolchain: dict[str, str] = Field(
        default_factory=dict, description="Version of each tool that built the component, by the tool's name."
    )
    cached: bool = Field(
        default=False,
        description="Whether the image comes from an earlier build of the same source, and no build was run.",
    )


class TaskDeployment(BaseModel):
    """The outcome of the deployment that a build request asked for."""

    status: Literal["pending", "deployed", "failed"] = Field(
        description="pending: the deployment has not ended. deployed: the app was created or updated. "
        "failed: `error` has the reason."
    )
    namespace: str = Field(description="Kubernetes namespace of the app.")
    app_name: str | None = Field(default=None, description="Name of the app.")
    endpoint: str | None = Field(default=None, description="DNS name of the app's Service inside the cluster.")
    image: str | None = Field(default=None, description="Reference of the deployed image.")
    digest: str | None = Field(default=None, description="Digest of the deployed image.")
    revision: int | None = Field(default=None, description="Number of the revision that the deployment created.")
    error: str | None = Field(
        default=None, description="Reason why the deployment failed, or why the deployed app does not start."
    )
    unchecked: str | None = Field(
        default=None,
        description="Reason why it is not known yet whether the cluster accepts the deployment: it could not be asked "
        "before the build. null if it was asked, or if the deployment has ended.",
    )


class Task(BaseModel):
    """A build task: its status and, once it has ended, its result or error."""

    # The first four fields are the published ones, in their order.
    task_id: str = Field(description="UUIDv7 of the task.")
    status: TaskStatus = Field(description="Status of the task; done and failed are final.")
    result: Annotated[TaskResult | None, Field(description="Output of the build; set if the status is done.")] = None
    error: Annotated[
        str | None,
        Field(description="Reason for the failure, and what to change where; set if the status is failed."),
    ] = None
    errors: Annotated[
        list[Finding] | None, Field(description="Errors in the source; set if the build failed in the type check.")
    ] = None
    deployment: Annotated[
        TaskDeployment | None,
        Field(description="Outcome of the deployment; set if the request asked for one and the build did not fail."),
    ] = None
    app_name: str | None = Field(default=None, description="App name that the upload gave.")
    created_at: str | None = Field(default=None, description="Time at which the task was created (ISO 8601, UTC).")
    updated_at: str | None = Field(default=None, description="Time of the latest change of status (ISO 8601, UTC).")
    queued: bool = Field(
        default=False,
        description="Whether the build waits for a build machine: the status is pending, and the source is there.",
    )
    queued_ahead: int | None = Field(
        default=None,
        description="Number of older tasks of all workspaces that wait for a build machine, too; tasks that are being "
        "built are not counted, and at most the 100 tasks before this one are looked at. Machines take tasks roughly, "
        "not exactly, in this order. Set in the response to a GET of the task, if `queued` is true.",
        examples=[3],
    )
    step: Step | None = Field(
        default=None,
        description="What the task is at. upload: its source is awaited. queue: it waits for a build machine. fetch to "
        "push: the step of the build, known once a step has lasted 5 seconds; null before that, and after the end. "
        "deploy: the image is being deployed.",
        examples=["build"],
    )
    step_started_at: str | None = Field(
        default=None, description="Time at which the step began (ISO 8601, UTC); null if `step` is."
    )


class TaskPage(BaseModel):
    """A page of a workspace's tasks, newest first."""

    tasks: list[Task] = Field(description="Tasks of this page.")
    next: str | None = Field(
        description="Token of the next page, for the query parameter `next`; null if this is the last page."
    )


class LogLine(BaseModel):
    """A line of a build log."""

    timestamp: str = Field(description="Time at which the line was written (ISO 8601, UTC).")
    message: str = Field(description="Text of the line.")


class TaskLog(BaseModel):
    """A part of a task's build log, oldest line first."""

    task_id: str = Field(description="UUIDv7 of the task.")
    status: TaskStatus = Field(description="Status of the task.")
    queued: bool = Field(
        default=False, description="Whether the build still waits for a build machine, and writes no lines yet."
    )
    lines: list[LogLine] = Field(description="Lines of this part.")
    next: str | None = Field(
        description="Token of the next part, for the query parameter `next`; null if the log is complete."
    )


class TaskRemoved(BaseModel):
    """The outcome of a DELETE of a task."""

    task_id: str = Field(description="UUIDv7 of the task.")
    outcome: Literal["cancelled", "deleted"] = Field(
        description="cancelled: the task was running; its build was stopped and its status is failed. "
        "deleted: the task had ended; it was deleted with its source and its component."
    )
