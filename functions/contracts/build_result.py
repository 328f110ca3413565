"""The builder's report: written as ``result.json`` at the end of every build, read when the task ends."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class BuildResult(BaseModel):
    """How a build ended.

    ``error`` is text for the uploader (never a stack trace, never a secret); the rest is set when ``outcome`` is
    ``succeeded``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    outcome: Literal["succeeded", "failed"]
    error: str | None = None
    image_url: str | None = Field(default=None, description="Pushed image reference: repository:tag.")
    digest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$", description="Manifest digest.")
    wasm_size: int | None = Field(default=None, ge=0, description="Bytes of the component.")
    toolchain: dict[str, str] = Field(default_factory=dict, description="Tool name to version.")
    durations: dict[str, float] = Field(default_factory=dict, description="Step name to seconds.")
