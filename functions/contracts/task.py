"""A build task as it stands in DynamoDB, and where its objects stand in S3.

The row is the one truth about a task: the API reads it, the builder takes its orders from it, the state machine
moves it forward. Key: ``workspace_id`` (partition) + ``task_id`` (sort; a UUIDv7, so a workspace's tasks sort by time).
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final, Literal, get_args


@dataclass(frozen=True, slots=True)
class TaskKey:
    """Name one task: its row, the folders of its objects and its execution are found by it."""

    workspace_id: str
    task_id: str

    def fields(self) -> dict[str, str]:
        """Return both ids by name: the key of the row, the input of the execution, the fields of a log entry."""
        return asdict(self)


class TaskStatus(StrEnum):
    """Where a task is. It only ever moves down this list, and never out of ``done`` or ``failed``."""

    PENDING = "pending"
    BUILDING = "building"
    PUSHING = "pushing"
    DONE = "done"
    FAILED = "failed"


BuildStep = Literal["fetch", "unpack", "packages", "type_check", "build", "collect", "store", "push"]
"""What a builder does, by the names that a build's durations have."""
BUILD_STEPS: Final[tuple[BuildStep, ...]] = get_args(BuildStep)
"""In the order in which they begin. Two pairs run side by side: type_check and build, store and push."""
Next = Literal["deploy", "done", "fail", "skip"]
"""What an execution does once its task has ended: told by the function that ends tasks to the state machine."""
ENDED: Final = frozenset({TaskStatus.DONE, TaskStatus.FAILED})


class RowField(StrEnum):
    """Attribute names of a task row (`functions.contracts.task_row.TaskRow` has their types)."""

    WORKSPACE_ID = "workspace_id"
    TASK_ID = "task_id"
    STATUS = "status"
    APP_NAME = "app_name"
    SOURCE_KEY = "source_key"
    """Full S3 key of the upload, file name included (see `source_key`)."""
    IMAGE_REPOSITORY = "image_repository"
    """Where to push, without a tag: ``host[:port]/path``."""
    REGISTRY_CREDENTIALS = "registry_credentials"
    """KMS ciphertext of ``{"username": ..., "password": ...}`` with encryption context ``{"task_id": ...}``.
    Absent when the stack's own ECR repository is the target; removed by the write that ends the task."""
    RESULT = "result"
    ERROR = "error"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    QUEUED_AT = "queued_at"
    """When the build was handed to CodeBuild, which may let it wait for a machine."""
    BUILD_ID = "build_id"
    """CodeBuild's id of the build (``project:uuid``), written when the builder starts: the way to its log stream."""
    STEP = "step"
    """What the builder is at (`BuildStep`); there only while a build runs that has turned out to be slow."""
    STEP_STARTED_AT = "step_started_at"
    EXPIRES_AT = "expires_at"
    """Epoch seconds at which DynamoDB may drop the row."""
    DEPLOY = "deploy"
    """What to do with the image when it is built (`functions.contracts.task_row.DeployBlock`); absent when nothing."""
    DEPLOYMENT = "deployment"
    """The result of that deployment, as JSON text: a deploy's answer, or ``{"error": ...}``."""
    ERRORS = "errors"
    """What the type check found (`functions.contracts.build_result.Finding`); beside the text in ``error``."""
    UPLOAD_EXPIRES_AT = "upload_expires_at"
    """Epoch seconds until which the presigned upload may begin; there only while the upload has not arrived. A task
    that still has it some time later waits for nothing and must be ended as failed."""
    UPLOAD_SHA256 = "upload_sha256"
    """SHA-256 of the presigned upload, base64, as its request named it and S3 has checked it."""
    CACHE_KEY = "cache_key"
    """Identity of what is built and with what (`functions.tasks.reuse`); absent when the content is not known."""
    IDEMPOTENCY = "idempotency"
    """Which Idempotency-Key made the task (its digest); absent when none did."""
    SLOT_TOKEN = "slot_token"  # noqa: S105  # an attribute's name
    """Lets the execution go on that waits for a build slot (`functions.tasks.admission`); there only while it does."""
    UNSETTLED = "unsettled"
    """There (always `UNSETTLED`) from the row's first write until its end has been announced; key of the sparse index
    in which the reconciler finds what is still open."""


UNSETTLED: Final = "task"
"""The one value of `RowField.UNSETTLED`: one partition takes 1,000 writes a second, two of which a task needs."""
UNSETTLED_INDEX: Final = "unsettled"
"""Index of the task table: ``unsettled`` (partition) + ``task_id`` (sort; oldest first), keys only."""


def source_prefix(task: TaskKey) -> str:
    """Folder of a task's upload, with the trailing slash that clients see in ``source_s3_path``."""
    return f"build-sources/{task.workspace_id}/{task.task_id}/"


def source_key(task: TaskKey, file_name: str) -> str:
    """S3 key of the upload itself; ``file_name`` keeps the uploader's spelling, Korean included."""
    return source_prefix(task) + file_name


def presigned_prefix(task: TaskKey) -> str:
    """Folder in which a presigned upload arrives."""
    return f"uploads-staged/{task.workspace_id}/{task.task_id}/"


def artifact_prefix(task_id: str) -> str:
    """Folder of what the build made."""
    return f"build-artifacts/{task_id}/"


def wasm_key(task_id: str) -> str:
    """S3 key of the built component."""
    return f"{artifact_prefix(task_id)}app.wasm"


def result_key(task_id: str) -> str:
    """S3 key of the builder's report (`functions.contracts.build_result.BuildResult` as JSON)."""
    return f"{artifact_prefix(task_id)}result.json"


def sbom_key(task_id: str) -> str:
    """S3 key of the component's SBOM (CycloneDX 1.6, JSON)."""
    return f"build-artifacts/{task_id}/sbom.cdx.json"


def provenance_key(task_id: str) -> str:
    """S3 key of how the image came to be (in-toto Statement v1 with SLSA provenance v1, JSON)."""
    return f"build-artifacts/{task_id}/provenance.intoto.json"


def credentials_context(task_id: str) -> dict[str, str]:
    """KMS encryption context that ties a registry password to the one task it was sent for."""
    return {"task_id": task_id}
