"""How a task ended, for the history of its execution: what an operator reads there, and what follows.

The history is kept for 90 days and shown to whoever may read executions, so nothing here is a secret: of a deploy block
there is the namespace alone. All of it is far below the 256 KB that a state may output: the longest text is the error.
Source of that limit: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html.
"""

from typing import Any, Self

from pydantic import BaseModel

from functions.contracts.build_result import Way
from functions.contracts.task import Next, TaskStatus
from functions.contracts.task_row import TaskRow


class TaskEnd(BaseModel):
    """Output of the states that end a task or read its end."""

    next: Next
    """Where the state machine goes: `infra.build_states` branches on it."""
    status: TaskStatus | None = None
    """None when the task no longer exists."""
    file_name: str | None = None
    app_name: str | None = None
    error: str | None = None
    """The task's error, as its owner reads it."""
    image_url: str | None = None
    digest: str | None = None
    wasm_path: str | None = None
    size: int | None = None
    """Bytes of the component."""
    way: Way | None = None
    duration: dict[str, float] | None = None
    """Seconds by build step."""
    cached: bool | None = None
    """Whether the image is that of an earlier build of the same source."""
    build_log_url: str | None = None
    """Where the console shows the build's log."""
    deploy_to: str | None = None
    """Namespace to which the image is to be deployed; None when there is nothing to deploy."""

    @classmethod
    def of(cls, row: TaskRow | None, *, build_log_url: str | None, ended_before: bool) -> Self:
        """Say how a task ended.

        Parameters
        ----------
        row
            The task's; None when it no longer exists.
        build_log_url
            Where the console shows the build's log; None when there is no build.
        ended_before
            Whether the task had ended when its execution began: a failed one was cancelled, and its execution is none.
        """
        if row is None:
            return cls(next="skip", build_log_url=build_log_url)
        result = row.result
        deploy_to = row.deploy.namespace if row.deploy is not None and row.deployment is None else None
        return cls(
            next=_next(row, ended_before=ended_before, deploys=deploy_to is not None),
            status=row.status,
            file_name=row.file_name,
            app_name=row.app_name,
            error=row.error,
            image_url=result and result.image_url,
            digest=result and result.digest,
            wasm_path=result and result.wasm_path,
            size=result and result.size,
            way=result and result.way,
            duration=result and result.duration,
            cached=result and result.cached,
            build_log_url=build_log_url,
            deploy_to=deploy_to if result is not None else None,
        )

    def to_output(self) -> dict[str, Any]:
        """Return the state's output, without what is not known."""
        return self.model_dump(mode="json", exclude_none=True)


def _next(row: TaskRow, *, ended_before: bool, deploys: bool) -> Next:
    if row.status == TaskStatus.DONE:
        return "deploy" if deploys else "done"
    return "skip" if ended_before else "fail"
