"""Announcing the end of a task on the stack's event bus: the one place that does it, whatever path ended the task.

The write that ends a task leaves ``unsettled`` on its row; it goes when EventBridge has taken the event. A function
that dies in between, or an EventBridge that refuses, leaves the mark, and the reconciler announces the end later. So
an end is announced at least once, and twice only when the mark could not be taken away: consumers tell events apart by
``task_id``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from functions.aws import clients
from functions.contracts.task import TaskKey, TaskStatus
from functions.contracts.task_row import TaskRow
from functions.models.events import DETAIL_TYPE, SOURCE, UPLOAD_REFUSED, EndedResult, TaskEnded, UploadRefused
from functions.tasks.store import TaskStore
from functions.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef


class RefusedEventError(Exception):
    """EventBridge did not take an event; the text is the code of its error."""


@dataclass(frozen=True, slots=True)
class EventBus:
    """The bus, and the table whose ends are announced on it."""

    name: str
    tasks: TaskStore

    def announce_end(self, task: TaskKey) -> bool:
        """Tell the event bus how a task ended, and note on its row that this has been done.

        To be called by whoever's write ended the task (`functions.tasks.outcome` does it for all who end tasks through
        it). Never raises for AWS's sake: the end itself has been written, and the reconciler announces what was missed.

        Returns
        -------
        bool
            Whether the event was taken, or had been before.
        """
        try:
            row = self.tasks.get(task)
            if row is None or not row.ended:
                return False
            if row.unsettled is None:
                return True
            problem = self._put(DETAIL_TYPE, event_of(row))
            if problem is not None:
                logger.error("EventBridge refused an end", task_id=task.task_id, problem=problem)
                return False
            self.tasks.settle(task)
        except (ClientError, BotoCoreError):
            logger.exception("end not announced: the reconciler will", extra=task.fields())
            return False
        return True

    def announce_refusal(self, refused: UploadRefused) -> None:
        """Tell the event bus of an upload that no task tells of.

        Raises
        ------
        RefusedEventError, ClientError, BotoCoreError
            EventBridge has not taken it: to be called again.
        """
        problem = self._put(UPLOAD_REFUSED, refused)
        if problem is not None:
            raise RefusedEventError(problem)

    def _put(self, detail_type: str, detail: BaseModel) -> str | None:
        """Send one event; the code of the error with which EventBridge refuses it, if it does."""
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": detail_type,
            "Detail": detail.model_dump_json(),
        }
        answer = clients.events.put_events(Entries=[entry])
        return answer["Entries"][0].get("ErrorCode", "unknown") if answer["FailedEntryCount"] else None


def event_of(row: TaskRow) -> TaskEnded:
    """Return the ``detail`` of the event for the row of an ended task."""
    return TaskEnded(
        task_id=row.task_id,
        workspace_id=row.workspace_id,
        app_name=row.app_name,
        status="done" if row.status == TaskStatus.DONE else "failed",
        cached=row.result is not None and row.result.cached,
        result=None if row.result is None else EndedResult.model_validate(row.result),
        error=row.error,
        created_at=row.created_at,
        ended_at=row.updated_at,
    )
