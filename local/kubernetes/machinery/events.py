"""Events: what `kubectl describe` shows at the bottom, and where a deployer finds the reason of a failure."""

import itertools
import logging
import queue
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

from kubernetes.client.exceptions import ApiException

from local.kubernetes.machinery.api import KubernetesApi, message_of
from local.kubernetes.machinery.meta import timestamp
from local.kubernetes.machinery.resources import EVENTS, Json

logger = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]
_REMEMBERED = 1024


@dataclass
class _Series:
    name: str
    count: int = 1


@dataclass(frozen=True)
class _Entry:
    about: Json
    kind: EventType
    reason: str
    message: str
    field_path: str | None
    at: str = field(default_factory=timestamp)


class EventRecorder:
    """Writes events in the background; the same event again raises the count of the first one, as kubelet does."""

    def __init__(self, api: KubernetesApi, component: str, host: str | None = None) -> None:
        self._api = api
        self._source = {"component": component, **({"host": host} if host else {})}
        self._known: OrderedDict[tuple[str, ...], _Series] = OrderedDict()
        self._numbers = itertools.count(time.time_ns())
        self._queue: queue.SimpleQueue[_Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"events-{component}", daemon=True)
        self._thread.start()

    def event(self, about: Json, kind: EventType, reason: str, message: str, field_path: str | None = None) -> None:
        """Record an event about an object. ``field_path`` names a part of it: ``spec.containers{name}``."""
        self._queue.put(_Entry(about, kind, reason, message[:1024], field_path))

    def stop(self) -> None:
        """Write what is queued, then end."""
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (entry := self._queue.get()) is not None:
            try:
                self._write(entry)
            except ApiException as error:
                # An event is a help, never a duty: most often its namespace is being deleted.
                logger.debug("event %s not written: %s", entry.reason, message_of(error))
            except Exception as error:
                logger.debug("event %s not written: %s", entry.reason, type(error).__name__)

    def _write(self, entry: _Entry) -> None:
        meta = entry.about["metadata"]
        namespace = meta.get("namespace") or "default"
        key = (meta["uid"], entry.kind, entry.reason, entry.message, entry.field_path or "")
        if (series := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            series.count += 1
            try:
                self._api.patch(EVENTS, namespace, series.name, {"count": series.count, "lastTimestamp": entry.at})
                return
            except ApiException as error:
                if error.status != 404:
                    raise
        series = _Series(f"{meta['name'][:230]}.{next(self._numbers):x}")
        reference = {
            "apiVersion": entry.about["apiVersion"],
            "kind": entry.about["kind"],
            "name": meta["name"],
            "namespace": meta.get("namespace"),
            "uid": meta["uid"],
            "resourceVersion": meta.get("resourceVersion"),
            "fieldPath": entry.field_path,
        }
        self._api.create(
            EVENTS,
            namespace,
            {
                "metadata": {"name": series.name, "namespace": namespace},
                "involvedObject": {name: value for name, value in reference.items() if value},
                "reason": entry.reason,
                "message": entry.message,
                "type": entry.kind,
                "source": self._source,
                "reportingComponent": self._source["component"],
                "reportingInstance": self._source.get("host", ""),
                "firstTimestamp": entry.at,
                "lastTimestamp": entry.at,
                "count": 1,
            },
        )
        self._known[key] = series
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
