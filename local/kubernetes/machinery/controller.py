"""Controllers, and the one queue from which a thread does their work.

As in client-go's workqueue: what is queued twice is done once, what failed comes back after a growing pause.
"""

import heapq
import itertools
import logging
import threading
import time
from abc import ABC, abstractmethod

from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.api import Api, Key
from local.kubernetes.machinery.events import EventRecorder

logger = logging.getLogger(__name__)

FAILURE_FIRST_SECONDS = 0.005
FAILURE_MOST_SECONDS = 30.0


class Controller(ABC):
    """Brings the objects of one kind to their desired state, one at a time."""

    name = "controller"

    def __init__(self, api: Api, queue: "WorkQueue", events: EventRecorder) -> None:
        self._api = api
        self._queue = queue
        self._events = events

    def enqueue(self, key: Key, after: float = 0.0) -> None:
        """Reconcile an object in ``after`` seconds, or earlier when it is queued for earlier already."""
        self._queue.add((self, *key), after)

    @abstractmethod
    def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one object to its desired state; the return value asks to come back after so many seconds."""


Task = tuple[Controller, str, str]
"""Whose work, and the object's key."""


class WorkQueue:
    """What is to be done, now or later, and the thread that does it."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: dict[Task, float] = {}
        self._heap: list[tuple[float, int, Task]] = []
        self._numbers = itertools.count()
        self._failures: dict[Task, int] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="controllers", daemon=True)

    def add(self, task: Task, after: float = 0.0) -> None:
        """Do ``task`` in ``after`` seconds, or earlier when it is queued for earlier already."""
        due = time.monotonic() + after
        with self._condition:
            if self._due.get(task, due + 1) <= due:
                return
            self._due[task] = due
            heapq.heappush(self._heap, (due, next(self._numbers), task))
            self._condition.notify()

    def start(self) -> None:
        """Start working."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the task in hand."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _take(self) -> Task | None:
        """Wait for the next task that is due; None once the queue is closed."""
        with self._condition:
            while not self._closed:
                pause = self._heap[0][0] - time.monotonic() if self._heap else None
                if pause is not None and pause <= 0:
                    due, _, task = heapq.heappop(self._heap)
                    if self._due.get(task) == due:  # else queued for earlier since, and done
                        del self._due[task]
                        return task
                else:
                    self._condition.wait(pause)
            return None

    def _run(self) -> None:
        while (task := self._take()) is not None:
            controller, *key = task
            try:
                again = controller.reconcile(*key)
            except Exception as error:
                self._failed(task, error)
            else:
                self._failures.pop(task, None)
                if again is not None:
                    self.add(task, again)

    def _failed(self, task: Task, error: Exception) -> None:
        if isinstance(error, ApiError):
            # 404 and 409: the world moved on while we wrote; the news of it is on its way.
            level = logging.DEBUG if error.code in (404, 409) else logging.WARNING
            logger.log(level, "%s: %s/%s: %s", task[0].name, *task[1:], error.message)
        else:
            logger.error("%s: %s/%s", task[0].name, *task[1:], exc_info=error)
        count = self._failures[task] = self._failures.get(task, 0) + 1
        self.add(task, min(FAILURE_FIRST_SECONDS * 2 ** min(count - 1, 20), FAILURE_MOST_SECONDS))
