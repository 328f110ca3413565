"""The event that tells the world how a task ended (EventBridge). Checked in as docs/task-ended.schema.json.

Fields may be added to version 1; none is taken away and none changes its meaning without a new ``version``.
"""

import json
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SOURCE: Final = "blue-faas"
DETAIL_TYPE: Final = "Task Ended"


class EndedResult(BaseModel):
    """What a finished build left behind."""

    wasm_path: str = Field(description="S3 URI of the component.")
    image_url: str = Field(description="Image reference to deploy: repository:tag.")
    digest: str | None = Field(default=None, description="sha256 digest of the image's manifest.")
    size: int | None = Field(default=None, description="Bytes of the component.")


class TaskEnded(BaseModel):
    """``detail`` of the event. A task ends once, but its event can arrive twice: tell them apart by ``task_id``."""

    model_config = ConfigDict(title="Task Ended")

    version: Literal["1"] = Field(default="1", description="Version of this form.")
    task_id: str = Field(description="UUIDv7 of the task.")
    workspace_id: str
    app_name: str | None = Field(default=None, description="As the upload named it.")
    status: Literal["done", "failed"]
    cached: bool = Field(default=False, description="An earlier build of the same source was reused.")
    result: EndedResult | None = Field(default=None, description="Set when status is done.")
    error: str | None = Field(default=None, description="Set when status is failed: what to change, and where.")
    created_at: str = Field(description="When the task was made (RFC 3339, UTC).")
    ended_at: str = Field(description="When the task ended (RFC 3339, UTC).")


if __name__ == "__main__":
    print(json.dumps(TaskEnded.model_json_schema(mode="serialization"), indent=2))  # noqa: T201  # writes the file
