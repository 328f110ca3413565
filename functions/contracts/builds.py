"""What the build API answers. Field names and order are the published contract."""

from typing import Annotated

from pydantic import BaseModel, Field

from functions.contracts.task import TaskStatus


class TaskCreated(BaseModel):
    """Answer to an accepted upload (202)."""

    task_id: str = Field(description="UUIDv7 of the task: ask for it at /api/v1/tasks/{task_id}.")
    status: TaskStatus = TaskStatus.PENDING
    message: str = "Build and push task created"
    source_s3_path: str = Field(description="Where the upload is kept: s3://bucket/build-sources/workspace/task/.")


class TaskResult(BaseModel):
    """What a finished build left behind."""

    wasm_path: str = Field(description="S3 URI of the component.")
    image_url: str = Field(description="Image reference to deploy: repository:tag.")
    digest: str | None = Field(default=None, description="sha256 digest of the image's manifest.")
    size: int | None = Field(default=None, description="Bytes of the component.")
    duration: dict[str, float] = Field(default_factory=dict, description="Seconds by build step.")
    toolchain: dict[str, str] = Field(default_factory=dict, description="Versions the component was made with.")


class Task(BaseModel):
    """A task as clients see it."""

    task_id: str
    status: TaskStatus
    result: Annotated[TaskResult | None, Field(description="Set when status is done.")] = None
    error: Annotated[str | None, Field(description="Set when status is failed: what to change, and where.")] = None


class Health(BaseModel):
    """Answer of GET /health."""

    status: str = "ok"
