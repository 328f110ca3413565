"""Waiting for a build, a deployment and an app, and showing meanwhile what goes on."""

import time
from pathlib import Path
from typing import Any, Final

from blue_faas_cli import findings
from blue_faas_cli.api import LONG_POLL_SECONDS, Answer, task_path
from blue_faas_cli.build_log import BuildLog
from blue_faas_cli.console import Tell
from blue_faas_cli.problems import BlueError, Exit
from blue_faas_cli.progress import in_words
from blue_faas_cli.session import Session
from functions.contracts.task import ENDED
from functions.models.builds import Task, TaskRemoved

_PAUSE_SECONDS: Final = 1.0


class Deadline:
    """The time that a command may take."""

    def __init__(self, seconds: float, waiting_for: str) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self.waiting_for = waiting_for

    def wait(self) -> int:
        """Return the seconds to ask the API to wait.

        Raises
        ------
        BlueError
            The time is over.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise BlueError(
                f"{self.waiting_for} took more than {self._seconds:g} s; it goes on without this command. --timeout "
                "waits longer.",
                Exit.TIMEOUT,
            )
        return max(1, min(LONG_POLL_SECONDS, int(left)))

    def pause(self) -> None:
        """Sleep until the next look."""
        self.wait()
        time.sleep(_PAUSE_SECONDS)


def follow_build(session: Session, task_id: str, deadline: Deadline) -> Answer[Task]:
    """Say which task it is, show its log as it is written; returns the task once it has ended.

    Ctrl-C asks, on a terminal, whether the build goes on without this command.
    """
    log = BuildLog(session, task_id, session.output.dimmed)
    try:
        # Said in here: whoever reads it may press Ctrl-C at once.
        session.output.say(f"Task {task_id}")
        with session.output.waiting("building") as tell:
            log.follow_beside()
            task = wait_for_build(session, task_id, deadline, tell)
            log.show()
            return task
    except KeyboardInterrupt:
        raise _interrupted(session, task_id) from None
    finally:
        log.stop()


def get_task(session: Session, task_id: str, wait: int | None = None) -> Answer[Task]:
    """GET a task."""
    return session.api.get(Task, task_path(task_id), workspace_id=session.settings.workspace_id, wait=wait)


def wait_for_build(session: Session, task_id: str, deadline: Deadline, tell: Tell) -> Answer[Task]:
    """Return the task once its build has ended; ``tell`` is told what it is at."""
    task = get_task(session, task_id)
    while task.typed.status not in ENDED:
        tell(in_words(task.typed), task.typed.queued)
        task = get_task(session, task_id, deadline.wait())
    return task


def check_built(session: Session, task: Answer[Task], files: dict[str, Path]) -> None:
    """Show why a build failed.

    Raises
    ------
    BlueError
        It did; the JSON document is the task.
    """
    if task.typed.status != "failed":
        return
    for line in findings.shown(task.typed.error or "The build failed", files):
        session.output.say(line)
    count = len(task.typed.errors or [])
    found = f": {count} error{'s' if count != 1 else ''}" if count else ""
    raise BlueError(f"the build of task {task.typed.task_id} failed{found}", Exit.SOURCE, task.raw)


def wait_for_deployment(session: Session, task: Answer[Task], deadline: Deadline) -> Answer[Task]:
    """Return the task once its deployment has ended.

    Raises
    ------
    BlueError
        The deployment failed; the JSON document is the task.
    """
    with session.output.waiting("deploying"):
        while task.typed.deployment is not None and task.typed.deployment.status == "pending":
            deadline.pause()
            task = get_task(session, task.typed.task_id)
    deployment = task.typed.deployment
    if deployment is not None and deployment.status == "failed":
        raise BlueError(f"the deployment failed: {deployment.error}", Exit.REFUSED, task.raw)
    return task


def _interrupted(session: Session, task_id: str) -> BlueError:
    """Ask whether a build goes on; returns the end of the command."""
    cancels: bool = False
    if session.output.can_ask:
        import typer

        try:
            cancels = not typer.confirm("\nLet the build go on?", default=True, err=True)
        except (typer.Abort, KeyboardInterrupt):
            cancels = False
    document: dict[str, Any] = {"task_id": task_id, "detail": "Stopped following; the build goes on"}
    if cancels:
        removed = session.api.delete(TaskRemoved, task_path(task_id), workspace_id=session.settings.workspace_id)
        return BlueError(f"stopped; task {task_id} is {removed.typed.outcome}", Exit.INTERRUPTED, removed.raw)
    return BlueError(
        f"stopped following; the build goes on: `blue logs -f {task_id}` follows it, `blue cancel {task_id}` ends it",
        Exit.INTERRUPTED,
        document,
    )
