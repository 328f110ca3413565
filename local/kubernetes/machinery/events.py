"""Events: what `kubectl describe` shows at the bottom, and where a deployer finds the reason of a failure."""

import itertools
import logging
import threading
import time
from collections import OrderedDict
from typing import Literal

from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.api import Api
from local.kubernetes.machinery.resources import EVENTS, Json

logger = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]
_REMEMBERED = 1024


class EventRecorder:
    """Writes events; the same event again raises the count of the first one, as kubelet does."""

    def __init__(self, api: Api, component: str, host: str | None = None) -> None:
        self._api = api
        self._source = {"component": component, **({"host": host} if host else {})}
        self._known: OrderedDict[tuple[str, ...], tuple[str, int]] = OrderedDict()
        self._numbers = itertools.count(time.time_ns())
        self._lock = threading.Lock()

    def event(self, about: Json, kind: EventType, reason: str, message: str, field_path: str | None = None) -> None:
        """Record an event about an object. ``field_path`` names a part of it: ``spec.containers{name}``.

        An event is a help, never a duty: one that cannot be written (most often its namespace is being deleted) is
        dropped.
        """
        try:
            with self._lock:
                self._write(about, kind, reason, message[:1024], field_path)
        except (ApiError, ConnectionError) as error:
            logger.debug("event %s not written: %s", reason, error)

    def _write(self, about: Json, kind: EventType, reason: str, message: str, field_path: str | None) -> None:
        meta, now = about["metadata"], timestamp()
        namespace = meta.get("namespace") or "default"
        key = (meta["uid"], kind, reason, message, field_path or "")
        if key in self._known:
            name, count = self._known[key]
            self._known[key] = (name, count + 1)
            self._known.move_to_end(key)
            try:
                self._api.patch(EVENTS, namespace, name, {"count": count + 1, "lastTimestamp": now})
                return
            except ApiError as error:
                if error.code != 404:
                    raise
        name = f"{meta['name'][:230]}.{next(self._numbers):x}"
        reference = {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": meta["name"],
            "namespace": meta.get("namespace"),
            "uid": meta["uid"],
            "resourceVersion": meta.get("resourceVersion"),
            "fieldPath": field_path,
        }
        body = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {field: value for field, value in reference.items() if value},
            "reason": reason,
            "message": message,
            "type": kind,
            "source": self._source,
            "reportingComponent": self._source["component"],
            "reportingInstance": self._source.get("host", ""),
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self._api.create(EVENTS, namespace, body)
        self._known[key] = (name, 1)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
