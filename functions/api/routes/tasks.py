"""Tasks: one, a workspace's, a build's log, and their end before time."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from functions.api.documented_responses import documented
from functions.api.page_parameters import Limit, NextToken
from functions.api.plain_text import also_text, text_answer, wants_text
from functions.api.settings import BuildApiSettings
from functions.contracts.names import WorkspaceId
from functions.contracts.task import TaskKey, TaskStatus
from functions.contracts.task_row import TaskRow
from functions.models.builds import Step, Task, TaskLog, TaskPage, TaskRemoved
from functions.models.values import TaskId
from functions.tasks import build_log, removal
from functions.tasks.admission import Admission
from functions.tasks.identifiers import is_task_id
from functions.tasks.long_poll import MOST_SECONDS, poll, time_to_wait
from functions.tasks.paging import UnusableTokenError, position_in, token_for
from functions.tasks.progress import queued_ahead, step_of
from functions.tasks.store import TaskNotFoundError, TaskStore
from functions.tasks.submission import Submissions
from functions.tasks.task_response import task_view
from functions.tasks.waiting import WaitingRoom
from functions.tenancy.access import Access
from functions.tenancy.workspace import Workspace

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations

TaskInPath = Annotated[TaskId, Path(description="UUIDv7 of the task.")]
InWorkspace = Annotated[WorkspaceId, Query(description="Workspace that the task belongs to.")]
Wait = Annotated[int, Query(ge=0, le=MOST_SECONDS, description="Seconds to wait for news before answering.")]


@router.get(
    "/api/v1/tasks/<task_id>",
    summary="Get the status and result of a task",
    tags=["Tasks"],
    operation_id="getTask",
    responses=documented(Task, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS),
)
def get_task(task_id: TaskInPath, workspace_id: InWorkspace, wait: Wait = 0) -> Task:
    """Get a task. With ``wait``, the response is delayed until its status or step changes or the time is over."""
    (tasks, workspace), task = _tasks_of(workspace_id), TaskKey(workspace_id, task_id)
    row = _existing(tasks, task)
    if wait and not row.ended:
        row = _changed(tasks, row, _seconds(wait), _waiting_room(workspace))
    return task_view(row, queued_ahead=queued_ahead(Admission.of(BuildApiSettings.read()), row))


@router.get(
    "/api/v1/workspaces/<workspace_id>/tasks",
    summary="List the tasks of a workspace",
    tags=["Tasks"],
    operation_id="listTasks",
    responses=documented(TaskPage, HTTPStatus.NOT_FOUND),
)
def list_tasks(
    workspace_id: Annotated[WorkspaceId, Path(description="Workspace that the tasks belong to.")],
    limit: Limit = 20,
    next: NextToken = None,  # noqa: A002  # the query parameter's name
) -> TaskPage:
    """List up to ``limit`` tasks, newest first. The token ``next`` of the response leads to older tasks."""
    tasks, _ = _tasks_of(workspace_id)
    page = tasks.newest(workspace_id, limit, None if next is None else _task_id_in(next))
    return TaskPage(
        tasks=[task_view(row) for row in page.rows], next=None if page.before is None else token_for(page.before)
    )


@router.get(
    "/api/v1/tasks/<task_id>/logs",
    summary="Get the build log of a task",
    tags=["Tasks"],
    operation_id="getTaskLog",
    responses=also_text(documented(TaskLog, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)),
)
def get_task_log(
    task_id: TaskInPath,
    workspace_id: InWorkspace,
    next: NextToken = None,  # noqa: A002  # the query parameter's name
    wait: Wait = 0,
) -> Response[Any]:
    """Get the lines that a build has written. The token ``next`` leads to later lines; it is null after the last one.

    With ``wait``, the response is delayed until there are new lines, the log is complete or the time is over. Plain
    text with ``Accept: text/plain``: the header ``Link`` then leads to later lines.
    """
    (tasks, workspace), task = _tasks_of(workspace_id), TaskKey(workspace_id, task_id)
    position = build_log.START if next is None else position_in(next)
    row = _existing(tasks, task)
    just_read = [row]
    group = BuildApiSettings.read().build_log_group

    def ask() -> tuple[TaskRow, build_log.LogPart]:
        now = just_read.pop() if just_read else tasks.get(task) or row
        return now, build_log.read(group, now, position)

    def is_enough(answer: tuple[TaskRow, build_log.LogPart]) -> bool:
        return bool(answer[1].lines) or answer[1].complete

    now, part = poll(ask, is_enough, _seconds(wait), _waiting_room(workspace))
    following = None if part.complete else token_for(part.position)
    event = router.current_event
    if wants_text(event.headers):
        query = dict(event.query_string_parameters)
        lines = (f"{line.timestamp} {line.message}" for line in part.lines)
        return text_answer(lines, event.path, None if following is None else query | {"next": following})
    log = TaskLog(task_id=task_id, status=now.status, queued=now.queued, lines=list(part.lines), next=following)
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, log)


@router.delete(
    "/api/v1/tasks/<task_id>",
    summary="Cancel a running task, or delete one that has ended",
    tags=["Tasks"],
    operation_id="deleteTask",
    responses=documented(TaskRemoved, HTTPStatus.NOT_FOUND),
)
def delete_task(task_id: TaskInPath, workspace_id: InWorkspace) -> TaskRemoved:
    """Stop the build of a running task, whose status becomes failed, or delete an ended task with its files."""
    (tasks, _), task = _tasks_of(workspace_id), TaskKey(workspace_id, task_id)
    row = _existing(tasks, task)
    submissions = Submissions.of(BuildApiSettings.read())
    if not row.ended:
        if removal.cancel(submissions, task):
            return TaskRemoved(task_id=task_id, outcome="cancelled")
        row = _existing(tasks, task)
    removal.delete(submissions, row)
    return TaskRemoved(task_id=task_id, outcome="deleted")


def _tasks_of(workspace_id: str) -> tuple[TaskStore, Workspace]:
    """Return the task table, and the workspace, after a check that the caller may see it."""
    settings = BuildApiSettings.read()
    workspace = Access.of(settings, router.current_event.raw_event).workspace(workspace_id)
    return TaskStore(settings.task_table), workspace


def _waiting_room(workspace: Workspace) -> WaitingRoom:
    return WaitingRoom.of(BuildApiSettings.read(), "builds", workspace)


def _existing(tasks: TaskStore, task: TaskKey) -> TaskRow:
    # An id that this service never gives is not looked up: DynamoDB refuses keys over 1,024 bytes.
    row = tasks.get(task) if is_task_id(task.task_id) else None
    if row is None:
        raise TaskNotFoundError(task)
    return row


def _changed(tasks: TaskStore, row: TaskRow, seconds: float, room: WaitingRoom) -> TaskRow:
    """Return the row once the task is at something else, or when the time is over."""

    def place(of: TaskRow) -> tuple[TaskStatus, Step | None]:
        return of.status, step_of(of)[0]

    now = poll(lambda: tasks.get(row.key), lambda now: now is None or place(now) != place(row), seconds, room)
    if now is None:
        raise TaskNotFoundError(row.key)
    return now


def _task_id_in(token: str) -> str:
    position = position_in(token)
    if not is_task_id(position):
        raise UnusableTokenError
    return position


def _seconds(wait: int) -> float:
    return time_to_wait(wait, router.lambda_context.get_remaining_time_in_millis())
