"""A keyed work queue with back-off, and the controller loop around it.

As in client-go's workqueue: a key that is queued twice is worked on once, a key is never worked on by two threads
at a time, a failed key comes back after a growing pause.
"""

import heapq
import logging
import threading
import time
from abc import ABC, abstractmethod

from kubernetes.client.exceptions import ApiException

from local.kubernetes.machinery.api import message_of
from local.kubernetes.machinery.informer import Key

logger = logging.getLogger(__name__)

FAILURE_FIRST_SECONDS = 0.005
FAILURE_MOST_SECONDS = 30.0


class WorkQueue:
    """Keys to work on, now or later."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._failures: dict[Key, int] = {}
        self._closed = False

    def add(self, key: Key, after: float = 0.0) -> None:
        """Work on ``key`` in ``after`` seconds, or earlier when it is queued for earlier already."""
        due = time.monotonic() + after
        with self._condition:
            if key in self._due and self._due[key] <= due:
                return
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
            self._condition.notify()

    def add_failed(self, key: Key) -> None:
        """Work on ``key`` again after a pause that doubles with every failure in a row."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        self.add(key, min(FAILURE_FIRST_SECONDS * 2 ** min(count, 20), FAILURE_MOST_SECONDS))

    def succeeded(self, key: Key) -> None:
        """Forget the failures of ``key``."""
        self._failures.pop(key, None)

    def take(self) -> Key | None:
        """The next key that is due; waits for one. None once the queue is closed."""
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                while self._heap:
                    due, key = self._heap[0]
                    if self._due.get(key) != due:
                        heapq.heappop(self._heap)  # queued for earlier since, or taken
                    elif due <= now:
                        heapq.heappop(self._heap)
                        del self._due[key]
                        return key
                    else:
                        break
                self._condition.wait(self._heap[0][0] - now if self._heap else None)
            return None

    def close(self) -> None:
        """Let every `take` return None."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class Controller(ABC):
    """Brings objects to their desired state, one key at a time, in one thread."""

    name = "controller"

    def __init__(self) -> None:
        self.queue = WorkQueue()
        self._thread = threading.Thread(target=self._run, name=type(self).name, daemon=True)

    @abstractmethod
    def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one object to its desired state; the return value asks to come back after so many seconds."""

    def start(self) -> None:
        """Start working (after the informers have synced)."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the key in hand."""
        self.queue.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while (key := self.queue.take()) is not None:
            try:
                again = self.reconcile(*key)
            except ApiException as error:
                # 404 and 409: the world moved on while we wrote; the informer brings the news.
                level = logging.DEBUG if error.status in (404, 409) else logging.WARNING
                logger.log(level, "%s: %s/%s: %s", self.name, *key, message_of(error))
                self.queue.add_failed(key)
            except Exception:
                logger.exception("%s: %s/%s", self.name, *key)
                self.queue.add_failed(key)
            else:
                self.queue.succeeded(key)
                if again is not None:
                    self.queue.add(key, again)
