"""Settings of the functions that keep tasks, each class with what its functions need."""

from functions.contracts.settings import EnvironmentSettings


class TaskSettings(EnvironmentSettings):
    """Ends tasks and announces that."""

    task_table: str
    code_bucket: str
    event_bus_name: str
    """Where ends of tasks are announced (`functions.tasks.events`)."""


class SlotSettings(EnvironmentSettings):
    """Gives builds their slots, and says who waits for one."""

    task_table: str
    builds_concurrency: int
    """Builds that run at once, of all workspaces (`functions.tasks.admission`)."""


class EndSettings(TaskSettings, SlotSettings):
    """Ends tasks, and gives their slots to others: the functions that an execution comes to at its end."""


class ReconcilerSettings(EndSettings):
    """Ends and announces what nothing else will."""

    state_machine_arn: str
    stuck_after_minutes: int
    """Age over which a task that has not ended is counted as stuck."""


class SubmissionSettings(TaskSettings):
    """Makes tasks: the S3 trigger, and the API with settings of its own."""

    state_machine_arn: str
    default_image_repository: str
    """The stack's own repository, ``host/repository``."""
    limits_running_builds: int
    """Tasks of one workspace that have not ended."""
    limits_kept_tasks: int
    """Tasks of one workspace in the table."""
    storage_task_retention_days: int
    image_reuse_days: int | None = None
    """Days after its push for which an image may still be taken over by a new task; None: for ever."""
    toolchain_id: str
    """Identity of the builder image: builds by another one are not reused."""
