"""Requests and responses of the build API. Field names and order are the published contract."""

import base64
import binascii
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from functions.contracts.build_result import Finding, Way
from functions.contracts.names import MAX_FILE_NAME, FileName, ImageRepository, SourceAppName, WorkspaceId
from functions.contracts.spelling import published
from functions.contracts.task import BuildStep, TaskStatus
from functions.models.deploy import DeployOptions
from functions.models.requests import Password, RequestModel, UserName
from functions.models.values import Moment, PageToken, TaskId

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


Sha256 = Annotated[
    str,
    AfterValidator(_sha256_as_base64),
    published(
        r"(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)", "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"
    ),
]
"""A SHA-256 in hexadecimal or base64; base64 after validation, as S3 wants it."""
Step = Literal["upload", "queue", BuildStep, "deploy"]
"""What a task is at."""
_BUCKET: Final = "s3://code-bucket"
_SOURCE: Final = f"{_BUCKET}/build-sources/my-workspace/01939f3e-7c1a-7b3e-9d2f-5a4c6e8b0d12/"
_DIGEST: Final = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

WORKSPACE_ID: Final = (
    "Workspace that the task belongs to: the unit to which callers, tasks, images and apps belong. Not a namespace, "
    "which is the place in the cluster where apps run."
)
APP_NAME: Final = (
    "Name of the app. It is shown in the task. A single .py file also gets it in the generated spin.toml, where the "
    "default is the name of the file."
)
REGISTRY_URL: Final = "Image repository to push to, as host/path. Default: the service's own repository."
USERNAME: Final = "User name for the registry; required with `password`."
PASSWORD: Final = "Password for the registry; required with `username`."  # noqa: S105  # a description
TASK_CREATED: Final = "Build and push task created"
_WARNING: Final = (
    "What the caller should know of a request that was accepted: for example, that no app can be deployed under this "
    "`app_name`."
)
_TASK_ID: Final = "UUIDv7 of the task, as GET /api/v1/tasks/{task_id} takes it."
_REPOSITORY: Final = "registry.example.com/team/app"
_IMAGE: Final = f"{_REPOSITORY}:1.0.0"


class TaskCreated(BaseModel):
    """The response to an accepted upload."""

    task_id: TaskId = Field(description=_TASK_ID)
    status: TaskStatus = Field(default=TaskStatus.PENDING, description="Status of the task.")
    message: str = Field(
        default=TASK_CREATED,
        description="Confirmation for people, and what they should know: that no app can be deployed under this "
        "`app_name`, or that the cluster could not be asked whether it will accept the deployment.",
    )
    source_s3_path: str = Field(
        description="S3 URI of the folder that keeps the uploaded source.",
        examples=[_SOURCE],
    )


class UploadRequest(RequestModel):
    """The description of a file that the client will send directly to S3, for sources over the API's size limit.

    A field that is ``null`` or ``""`` counts as absent.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "workspace_id": "my-workspace",
                    "file_name": "app.zip",
                    "size": 6_291_456,
                    "sha256": "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4",
                    "app_name": "my-function",
                }
            ]
        }
    )

    workspace_id: WorkspaceId = Field(description=WORKSPACE_ID)
    file_name: FileName = Field(
        max_length=MAX_FILE_NAME,
        description="Name of the .py file or .zip archive: at most 200 bytes of UTF-8, without characters that cannot "
        "be printed.",
    )
    size: Annotated[int, Field(gt=0, strict=True)] = Field(
        description="Exact size of the file in bytes.", examples=[6_291_456]
    )
    sha256: Sha256 = Field(
        description="SHA-256 digest of the file, in hexadecimal or base64. S3 rejects a file with another digest."
    )
    app_name: SourceAppName | None = Field(default=None, description=APP_NAME)
    registry_url: ImageRepository | None = Field(default=None, description=REGISTRY_URL)
    username: UserName | None = Field(default=None, description=USERNAME)
    password: Password | None = Field(default=None, repr=False, description=PASSWORD)
    deploy: DeployOptions | None = Field(
        default=None, description="Deploy the image after the build, with these options. Default: do not deploy."
    )


class UploadTarget(BaseModel):
    """The one HTTP request that sends the file to S3."""

    method: Literal["PUT"] = Field(default="PUT", description="HTTP method of the request.")
    url: str = Field(
        description="Presigned URL of the request. Anyone who has the URL can send this one file.",
        examples=["https://code-bucket.s3.ap-northeast-2.amazonaws.com/uploads-staged/…?X-Amz-Signature=…"],
    )
    headers: dict[str, str] = Field(
        description="Headers of the request. Send them unchanged: they are part of the signature.",
        examples=[
            {"Content-Length": "6291456", "x-amz-checksum-sha256": "j0NDRmSPa5bfid2pAcUXaxCm2Dlh3TwayItZstwyeqQ="}
        ],
    )
    expires_at: Moment = Field(description="Time by which the upload must begin (ISO 8601, UTC).")


class UploadCreated(BaseModel):
    """A presigned upload and its task. The build starts when the file is in S3."""

    task_id: TaskId = Field(description=_TASK_ID)
    status: TaskStatus = Field(
        description="Status of the task: pending, or done if an earlier build of the same source was reused."
    )
    source_s3_path: str = Field(
        description="S3 URI of the folder that keeps the source after the upload.", examples=[_SOURCE]
    )
    upload: UploadTarget | None = Field(
        description="Request that sends the file. null if no file is needed, or if the time for sending it is over."
    )
    warning: str | None = Field(default=None, description=_WARNING)


class TaskResult(BaseModel):
    """The output of a successful build."""

    model_config = ConfigDict(from_attributes=True)

    wasm_path: str = Field(
        description="S3 URI of the WebAssembly component.",
        examples=[f"{_BUCKET}/build-artifacts/01939f3e-7c1a-7b3e-9d2f-5a4c6e8b0d12/app.wasm"],
    )
    image_url: str = Field(
        description="Reference of the pushed image, as a deploy request takes it in `image_ref`.", examples=[_IMAGE]
    )
    digest: str | None = Field(default=None, description="SHA-256 digest of the image's manifest.", examples=[_DIGEST])
    size: int | None = Field(default=None, description="Size of the component in bytes.", examples=[20_418_233])
    way: Way | None = Field(
        default=None,
        description="Method that built the component. Components of both methods behave the same.",
        examples=["fast lane"],
    )
    duration: dict[str, float] = Field(
        default_factory=dict,
        description="Duration of each build step in seconds, by the step's name.",
        examples=[{"type check": 1.1, "build": 1.4, "push": 0.6}],
    )
    toolchain: dict[str, str] = Field(
        default_factory=dict,
        description="Version of each tool that built the component, by the tool's name.",
        examples=[{"spin": "3.6.3", "spin-sdk": "3.4.1", "componentize-py": "0.17.2", "mypy": "2.4.1"}],
    )
    cached: bool = Field(
        default=False,
        description="Whether the image comes from an earlier build of the same source, and no build was run.",
    )


class TaskDeployment(BaseModel):
    """The outcome of the deployment that a build request asked for."""

    status: Literal["pending", "deployed", "failed"] = Field(
        description="pending: the deployment has not ended. deployed: the app was created or updated. "
        "failed: `error` has the reason.",
        examples=["deployed"],
    )
    namespace: str = Field(description="Kubernetes namespace of the app.", examples=["default"])
    app_name: str | None = Field(
        default=None,
        description="Name of the app; null while the deployment has not given it one.",
        examples=["my-function"],
    )
    endpoint: str | None = Field(
        default=None,
        description="DNS name of the app's Service inside the cluster.",
        examples=["my-function.default.svc.cluster.local"],
    )
    image: str | None = Field(default=None, description="Reference of the deployed image.", examples=[_IMAGE])
    digest: str | None = Field(default=None, description="Digest of the deployed image.", examples=[_DIGEST])
    revision: int | None = Field(
        default=None, description="Number of the revision that the deployment created.", examples=[1]
    )
    url: str | None = Field(
        default=None,
        description="Address of the app from outside the cluster; null if it is not exposed.",
        examples=["https://my-function.apps.example.com/"],
    )
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
    task_id: TaskId = Field(description="UUIDv7 of the task.")
    status: TaskStatus = Field(
        description="Status of the task; done and failed are final. pending: accepted. building: the source is checked "
        "and built, or waits for a build machine (`queued`). pushing: the component goes to S3 and the image to its "
        "registry.",
        examples=["done"],
    )
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
    app_name: str | None = Field(default=None, description="App name that the upload gave.", examples=["my-function"])
    created_at: Moment | None = Field(default=None, description="Time at which the task was created (ISO 8601, UTC).")
    updated_at: Moment | None = Field(default=None, description="Time of the latest change of status (ISO 8601, UTC).")
    warning: str | None = Field(default=None, description=_WARNING)
    queued: bool = Field(
        default=False,
        description="Whether the build waits for its turn or a machine: the status is pending, the source is there.",
    )
    queued_ahead: int | None = Field(
        default=None,
        description="Number of builds of all workspaces that begin before this one, if no other comes. Workspaces take "
        "turns: this is not the number of older ones. Set in the response to a GET of the task, if `queued` is true.",
        examples=[3],
    )
    step: Step | None = Field(
        default=None,
        description="What the task is at. upload: its source is awaited. queue: it waits for a build machine. fetch to "
        "push: the step of the build, known once a step has lasted 5 seconds; null before that, and after the end. "
        "deploy: the image is being deployed.",
        examples=["build"],
    )
    step_started_at: Moment | None = Field(
        default=None, description="Time at which the step began (ISO 8601, UTC); null if `step` is."
    )


class TaskPage(BaseModel):
    """A page of a workspace's tasks, newest first."""

    tasks: list[Task] = Field(description="Tasks of this page.")
    next: PageToken | None = Field(
        description="Token of the next page, for the query parameter `next`; null if this is the last page."
    )


class LogLine(BaseModel):
    """A line of a build log."""

    timestamp: Moment = Field(description="Time at which the line was written (ISO 8601, UTC).")
    message: str = Field(description="Text of the line.", examples=["mypy: no errors"])


class TaskLog(BaseModel):
    """A part of a task's build log, oldest line first."""

    task_id: TaskId = Field(description="UUIDv7 of the task.")
    status: TaskStatus = Field(description="Status of the task.", examples=["building"])
    queued: bool = Field(
        default=False, description="Whether the build still waits for a build machine, and writes no lines yet."
    )
    lines: list[LogLine] = Field(description="Lines of this part.")
    next: PageToken | None = Field(
        description="Token of the next part, for the query parameter `next`; null if the log is complete."
    )


class TaskRemoved(BaseModel):
    """The outcome of a DELETE of a task."""

    task_id: TaskId = Field(description="UUIDv7 of the task.")
    outcome: Literal["cancelled", "deleted"] = Field(
        description="cancelled: the task was running; its build was stopped and its status is failed. "
        "deleted: the task had ended; it was deleted with its source and its component."
    )
