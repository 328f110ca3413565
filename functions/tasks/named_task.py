"""The input that names a task: of the executions, and of the functions that their states and events call."""

from pydantic import BaseModel, ConfigDict

from functions.contracts.task import TaskKey


class NamedTask(BaseModel):
    """What `functions.tasks.submission` started the execution with; states carry more beside it."""

    model_config = ConfigDict(extra="ignore")

    workspace_id: str
    task_id: str

    @property
    def key(self) -> TaskKey:
        """The task."""
        return TaskKey(self.workspace_id, self.task_id)
