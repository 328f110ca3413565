"""``blue tasks``, ``task``, ``cancel``: builds, by the id of their task."""

from typing import Annotated

import typer

from blue_faas_cli.session import Session

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="Id of the task.")]


def tasks(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=100, help="How many.")] = 20,
    next_page: Annotated[str | None, typer.Option("--next", help="The token below an earlier page.")] = None,
) -> None:
    """List the workspace's tasks, newest first."""
    from functions.models.builds import TaskPage

    path = f"/api/v1/workspaces/{session.settings.workspace_id}/tasks"
    page = session.api.get(TaskPage, path, limit=limit, next=next_page)
    session.output.table(
        ("TASK", "APP", "STATUS", "CREATED", "DEPLOYMENT"),
        [
            (
                task.task_id,
                task.app_name or "-",
                task.status,
                task.created_at or "-",
                task.deployment.status if task.deployment else "-",
            )
            for task in page.typed.tasks
        ],
    )
    if page.typed.next is not None:
        session.output.say(f"Older ones: --next {page.typed.next}")
    session.output.document(page.raw)


def task(session: Session, task_id: TaskArgument) -> None:
    """Show a task: its status, and its image or what is wrong with the source.

    The exit code is 1 when the build failed.
    """
    from blue_faas_cli.follow import check_built, get_task
    from blue_faas_cli.progress import in_words

    found = get_task(session, task_id)
    check_built(session, found, {})
    result, deployment = found.typed.result, found.typed.deployment
    waits = f" ({in_words(found.typed)})" if found.typed.step is not None else ""
    session.output.result(f"status      {found.typed.status}{waits}")
    if found.typed.app_name:
        session.output.result(f"app         {found.typed.app_name}")
    if result is not None:
        session.output.result(f"image       {result.image_url}")
        seconds = ", ".join(f"{step} {duration:g} s" for step, duration in result.duration.items())
        session.output.result(f"duration    {seconds or 'an earlier build of the same source'}")
    if deployment is not None:
        note = deployment.error or deployment.unchecked
        error = f": {note}" if note else ""
        session.output.result(f"deployment  {deployment.status}{error}")
    session.output.document(found.raw)


def cancel(session: Session, task_id: TaskArgument) -> None:
    """Stop a build that runs, or delete a task that has ended, with its source and component."""
    from blue_faas_cli.api import task_path
    from functions.models.builds import TaskRemoved

    removed = session.api.delete(TaskRemoved, task_path(task_id), workspace_id=session.settings.workspace_id)
    session.output.say(f"Task {task_id} is {removed.typed.outcome}")
    session.output.document(removed.raw)
