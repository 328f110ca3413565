"""What the build API takes and answers. Field names and order are the published contract."""

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from functions.contracts.build_result import Way
from functions.contracts.names import AppName, ImageRepository, WorkspaceId, check_file_name
from functions.contracts.task import TaskStatus
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


class Health(BaseModel):
    """Answer of GET /health."""

    status: str = "ok"


class Problem(BaseModel):
    """Answer of every request that is not served: what happened, where, what to do."""

    detail: str | list[dict[str, Any]] = Field(
        description="A sentence; for a request that has not the documented form, the list of what is wrong with it."
    )


class TaskCreated(BaseModel):
    """Answer to an accepted upload (202)."""

    task_id: str = Field(description="UUIDv7 of the task: ask for it at /api/v1/tasks/{task_id}.")
    status: TaskStatus = TaskStatus.PENDING
    message: str = "Build and push task created"
    source_s3_path: str = Field(description="Where the upload is kept: s3://bucket/build-sources/workspace/task/.")


class UploadRequest(RequestModel):
    """An upload that is announced, to be sent to S3 itself: for sources over the API's limit.

    A field that is ``null`` or ``""`` counts as left out.
    """

    workspace_id: WorkspaceId
    file_name: FileName = Field(description="Name of the .py file or .zip archive.")
    size: Annotated[int, Field(gt=0, strict=True)] = Field(description="Bytes of the file, exactly.")
    sha256: Sha256 = Field(description="SHA-256 of the file, hexadecimal or base64; S3 refuses any other content.")
    app_name: AppName | None = None
    registry_url: ImageRepository | None = None
    username: Credential | None = None
    password: Credential | None = Field(default=None, repr=False)
    deploy: DeployOptions | None = Field(
        default=None, description="The fields of a deploy without image_ref: the image is deployed when it is built."
    )


class UploadTarget(BaseModel):
    """Where to send the file: one request, exactly so."""

    method: Literal["PUT"] = "PUT"
    url: str = Field(description="Presigned URL: whoever has it may send this one file.")
    headers: dict[str, str] = Field(description="Headers to send as they are; they are part of the signature.")
    expires_at: str = Field(description="Until when the upload may begin (UTC).")


class UploadCreated(BaseModel):
    """Answer to an announced upload (201). The build starts by itself when the file has arrived."""

    task_id: str = Field(description="UUIDv7 of the task: ask for it at /api/v1/tasks/{task_id}.")
    status: TaskStatus = Field(description="pending; done when the same source was built before.")
    source_s3_path: str = Field(description="Where the source is kept once it has arrived.")
    upload: UploadTarget | None = Field(description="null when there is nothing to send (any more).")


class TaskResult(BaseModel):
    """What a finished build left behind."""

    wasm_path: str = Field(description="S3 URI of the component.")
    image_url: str = Field(description="Image reference to deploy: repository:tag.")
    digest: str | None = Field(default=None, description="sha256 digest of the image's manifest.")
    size: int | None = Field(default=None, description="Bytes of the component.")
    way: Way | None = Field(
        default=None, description="How the component was made; both build ways make one that behaves the same."
    )
    duration: dict[str, float] = Field(default_factory=dict, description="Seconds by build step.")
    toolchain: dict[str, str] = Field(default_factory=dict, description="Versions the component was made with.")
    cached: bool = Field(default=False, description="The image of an earlier build of the same source; none was run.")


class SourceError(BaseModel):
    """One finding of the type check."""

    file: str = Field(description="Path within the upload.")
    line: int | None = None
    code: str | None = Field(default=None, description="mypy's error code, for example arg-type.")
    message: str


class TaskDeployment(BaseModel):
    """What came of a build's ``deploy`` block."""

    status: Literal["pending", "deployed", "failed"]
    namespace: str
    app_name: str | None = None
    endpoint: str | None = Field(default=None, description="DNS name inside the cluster.")
    image: str | None = None
    digest: str | None = Field(default=None, description="Digest that the image was deployed by.")
    revision: int | None = Field(default=None, description="Number of the deploy in the app's history.")
    error: str | None = Field(default=None, description="Why it was not deployed, or does not come up.")


class Task(BaseModel):
    """A task as clients see it. The first four fields are the published ones, in their order."""

    task_id: str
    status: TaskStatus
    result: Annotated[TaskResult | None, Field(description="Set when status is done.")] = None
    error: Annotated[str | None, Field(description="Set when status is failed: what to change, and where.")] = None
    errors: Annotated[
        list[SourceError] | None, Field(description="Findings of the type check, when that is why it failed.")
    ] = None
    deployment: Annotated[
        TaskDeployment | None, Field(description="Set when the build asked for a deployment, unless the build failed.")
    ] = None
    app_name: str | None = None
    created_at: str | None = Field(default=None, description="UTC, ISO 8601.")
    updated_at: str | None = Field(default=None, description="UTC, ISO 8601: when the status last changed.")


class TaskPage(BaseModel):
    """A workspace's tasks, newest first."""

    tasks: list[Task]
    next: str | None = Field(description="Send it as ?next= for the tasks before these; null: there are none.")


class LogLine(BaseModel):
    """One line of a build's log."""

    timestamp: str = Field(description="UTC, ISO 8601.")
    message: str


class TaskLog(BaseModel):
    """Lines of one task's build, oldest first."""

    task_id: str
    status: TaskStatus
    lines: list[LogLine]
    next: str | None = Field(description="Send it as ?next= for the lines after these; null: that was all.")


class TaskRemoved(BaseModel):
    """Answer to DELETE of a task."""

    task_id: str
    outcome: Literal["cancelled", "deleted"] = Field(
        description="cancelled: it was running, and is failed now. deleted: it had ended, and is gone with its objects."
    )
