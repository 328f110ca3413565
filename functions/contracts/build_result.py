"""The builder's report: written as ``result.json`` at the end of every build, read when the task ends."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Way = Literal["fast lane", "full build", "uploaded"]
"""How a component was made: from the toolchain's base, by componentize-py or another tool, or not by a build at all."""


class Finding(BaseModel):
    """An error that the type check found in the source."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str = Field(description="Path of the file within the upload.", examples=["app.py"])
    line: int | None = Field(default=None, description="Line number in the file, from 1.", examples=[10])
    code: str | None = Field(default=None, description="Error code of mypy.", examples=["return-value"])
    message: str = Field(
        description="Explanation of the error.",
        examples=['Incompatible return value type (got "int", expected "str")'],
    )


class BuildResult(BaseModel):
    """How a build ended.

    ``error`` is text for the uploader (never a stack trace, never a secret), ``errors`` the type check's findings in
    it as data; the rest is set when ``outcome`` is ``succeeded``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    outcome: Literal["succeeded", "failed"]
    error: str | None = None
    unexpected: bool = Field(
        default=False, description="The uploader could not have prevented the failure: the operator is told."
    )
    errors: list[Finding] = Field(
        default_factory=list, description="At most 50, and 64 KiB as JSON; `error` says how many there are."
    )
    image_url: str | None = Field(default=None, description="Pushed image reference: repository:tag.")
    digest: str | None = Field(default=None, pattern=r"^sha256:[0-9a-f]{64}$", description="Manifest digest.")
    wasm_size: int | None = Field(default=None, ge=0, description="Bytes of the component.")
    wasm_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="Digest of the component.")
    way: Way | None = Field(default=None, description="How the component was made.")
    sbom_key: str | None = Field(default=None, description="S3 key of the CycloneDX 1.6 document.")
    provenance_key: str | None = Field(default=None, description="S3 key of the in-toto statement.")
    toolchain: dict[str, str] = Field(default_factory=dict, description="Tool name to version.")
    builder: str | None = Field(
        default=None, description="Identity of the pinned toolchain (`functions.contracts.toolchain`)."
    )
    durations: dict[str, float] = Field(default_factory=dict, description="Step name to seconds.")
