"""The EventBridge events. ``python -m functions.models.events`` writes their schemas into docs/ (`SCHEMAS`).

Fields may be added to version 1; none is taken away and none changes its meaning without a new ``version``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SOURCE: Final = "blue-faas"
DETAIL_TYPE: Final = "Task Ended"
UPLOAD_REFUSED: Final = "Upload Refused"
"""``detail-type`` of `UploadRefused`."""


class EndedResult(BaseModel):
    """The output of a successful build."""

    model_config = ConfigDict(from_attributes=True)

    wasm_path: str = Field(description="S3 URI of the WebAssembly component.")
    image_url: str = Field(description="Reference of the pushed image: repository:tag.")
    digest: str | None = Field(default=None, description="SHA-256 digest of the image's manifest.")
    size: int | None = Field(default=None, description="Size of the component in bytes.")


class TaskEnded(BaseModel):
    """The ``detail`` of the event.

    A task ends once, but its event can arrive more than once: recognize duplicates by ``task_id``.
    """

    model_config = ConfigDict(title="Task Ended")

    version: Literal["1"] = Field(default="1", description="Version of this schema.")
    task_id: str = Field(description="UUIDv7 of the task.")
    workspace_id: str = Field(description="Workspace that the task belongs to.")
    app_name: str | None = Field(default=None, description="App name that the upload gave.")
    status: Literal["done", "failed"] = Field(description="Final status of the task.")
    cached: bool = Field(default=False, description="Whether the image comes from an earlier build of the same source.")
    result: EndedResult | None = Field(default=None, description="Output of the build; set if the status is done.")
    error: str | None = Field(
        default=None, description="Reason for the failure, and what to change where; set if the status is failed."
    )
    created_at: str = Field(description="Time at which the task was created (RFC 3339, UTC).")
    ended_at: str = Field(description="Time at which the task ended (RFC 3339, UTC).")


class UploadRefused(BaseModel):
    """The ``detail`` of the event about an object under ``uploads/`` that no workspace could be told about."""

    model_config = ConfigDict(title="Upload Refused")

    version: Literal["1"] = Field(default="1", description="Version of this schema.")
    key: str = Field(description="Key of the object in the code bucket.")
    version_id: str = Field(description="Version of the object.")
    error: str = Field(description="Reason why it is not built, and what to do.")


SCHEMAS: Final[Mapping[str, type[BaseModel]]] = {
    "task-ended.schema.json": TaskEnded,
    "upload-refused.schema.json": UploadRefused,
}
"""The files in docs/, and what each describes."""


if __name__ == "__main__":
    for name, model in SCHEMAS.items():
        text = json.dumps(model.model_json_schema(mode="serialization"), indent=2)
        Path("docs", name).write_text(f"{text}\n", encoding="utf-8")
