"""A task's row with its types: read from DynamoDB's item, and written as one, at the edge of the table alone.

An item is what boto3's resource gives: text, `Decimal` for numbers, lists, dicts, and bytes in a `Binary`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

from functions.contracts.build_result import BuildResult, Finding, Way
from functions.contracts.task import ENDED, BuildStep, RowField, TaskKey, TaskStatus

_Bytes = Annotated[bytes | None, BeforeValidator(lambda value: None if value is None else bytes(value))]
"""boto3 hands bytes over in a wrapper of its own, `boto3.dynamodb.types.Binary`."""


class _Stored(BaseModel):
    """A part of a row. Attributes that this version does not know are left where they are."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class StoredResult(_Stored):
    """What a finished build left behind. DynamoDB has no floats, so durations are whole milliseconds."""

    wasm_path: str
    """S3 URI of the component."""
    image_url: str
    """``repository:tag``."""
    digest: str | None = None
    size: int | None = None
    """Bytes of the component."""
    way: Way | None = None
    duration_ms: dict[str, int] = {}
    toolchain: dict[str, str] = {}
    cached: bool = False
    """Taken over from an earlier build of the same source."""

    @classmethod
    def from_report(cls, report: BuildResult, image_url: str, wasm_path: str) -> Self:
        """Return the result of a build that reported success."""
        return cls(
            wasm_path=wasm_path,
            image_url=image_url,
            digest=report.digest,
            size=report.wasm_size,
            way=report.way,
            duration_ms={step: round(seconds * 1000) for step, seconds in report.durations.items()},
            toolchain=report.toolchain,
        )

    @property
    def duration(self) -> dict[str, float]:
        """Seconds by build step."""
        return {step: milliseconds / 1000 for step, milliseconds in self.duration_ms.items()}

    def to_item(self) -> dict[str, Any]:
        """Return the attribute `RowField.RESULT`."""
        return self.model_dump(exclude_none=True, exclude=None if self.cached else {"cached"})


class DeployBlock(_Stored):
    """What to do with a build's image; checked when it came in."""

    namespace: str
    """By itself, for the state machine: it tells that there is a block without showing the rest of it."""
    options: str
    """The request's own fields (`functions.models.deploy.DeployOptions`) as JSON text."""
    requested_by: str = ""
    """Who sent the build (`functions.api.caller`)."""
    unchecked: str | None = None
    """Why nobody could tell, before the build, whether the deploy will be accepted."""


class BuildOrder(_Stored):
    """The part of a row that the builder takes its orders from."""

    workspace_id: str
    task_id: str
    source_key: str
    image_repository: str
    app_name: str | None = None
    registry_credentials: _Bytes = None

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Read an item.

        Raises
        ------
        pydantic.ValidationError
            It lacks an attribute, or has one of another type.
        """
        return cls.model_validate(item)

    @property
    def key(self) -> TaskKey:
        """Names the task."""
        return TaskKey(self.workspace_id, self.task_id)

    @property
    def file_name(self) -> str:
        """The upload's name as the uploader spelled it."""
        return self.source_key.rpartition("/")[2]


class Standing(_Stored):
    """The part of a row that tells how far the task is."""

    status: TaskStatus
    build_id: str | None = None
    upload_expires_at: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the task is ``done`` or ``failed``."""
        return self.status in ENDED

    @property
    def queued(self) -> bool:
        """Whether the build waits for a machine: its source is there, and no builder has begun.

        The builder writes its id, and ``building``, when it begins.
        """
        return not self.ended and self.build_id is None and self.upload_expires_at is None


class TaskRow(BuildOrder, Standing):
    """A whole row. `functions.contracts.task.RowField` says what each attribute means."""

    created_at: str
    updated_at: str
    expires_at: int
    result: StoredResult | None = None
    error: str | None = None
    errors: tuple[Finding, ...] | None = None
    queued_at: str | None = None
    step: BuildStep | None = None
    step_started_at: str | None = None
    deploy: DeployBlock | None = None
    deployment: str | None = None
    upload_sha256: str | None = None
    cache_key: str | None = None
    idempotency: str | None = None
    slot_token: str | None = None
    unsettled: str | None = None

    def to_item(self) -> dict[str, Any]:
        """Return the item to write, without attributes that are None."""
        item = self.model_dump(exclude_none=True)
        item[RowField.STATUS] = self.status.value
        if self.result is not None:
            item[RowField.RESULT] = self.result.to_item()
        return item
