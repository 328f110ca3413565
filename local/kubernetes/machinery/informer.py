"""A local copy of one resource's objects, kept current by list and watch, with handlers for every change.

The library ships a `SharedInformer`; this one differs where the controllers need it: it waits between attempts to
reach a server that is away, tells when the first list is complete, hands over the object before the change, takes
back what a controller has just written (so that a controller never acts on a copy older than its own write), and
stops at once while its connection is idle.
"""

import logging
import threading
from collections.abc import Callable
from enum import StrEnum

from local.kubernetes.machinery.api import KubernetesApi, WatchExpired, WatchStream
from local.kubernetes.machinery.resources import Json, Resource

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.05
RETRY_MOST_SECONDS = 5.0


class Change(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


Key = tuple[str, str]
"""(namespace, name); the namespace of cluster-wide objects is the empty text."""

Handler = Callable[[Change, Json | None, Json], None]
"""Called with (change, the object before or None, the object now or as it was last seen)."""


def key_of(obj: Json) -> Key:
    """The cache key of an object."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def version_of(obj: Json) -> int:
    """resourceVersion as a number: the API promises that versions of one resource can be compared."""
    return int(obj["metadata"]["resourceVersion"])


class Informer:
    """Lists and watches one resource in a thread of its own. Objects it hands out must not be changed."""

    def __init__(self, api: KubernetesApi, resource: Resource) -> None:
        self.resource = resource
        self._api = api
        self._objects: dict[Key, Json] = {}
        self._seen = 0
        self._handlers: list[Handler] = []
        # Re-entrant, and held while handlers run: handlers see changes one after the other, in order.
        self._lock = threading.RLock()
        self._synced = threading.Event()
        self._stopping = threading.Event()
        self._stream: WatchStream | None = None
        self._thread = threading.Thread(target=self._run, name=f"informer-{resource.plural}", daemon=True)

    def add_handler(self, handler: Handler) -> None:
        """Call ``handler`` for every change; objects that are already known come as ADDED."""
        with self._lock:
            self._handlers.append(handler)
            for obj in list(self._objects.values()):
                self._call(handler, Change.ADDED, None, obj)

    def start(self) -> None:
        """Start listing and watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait for the thread."""
        self._stopping.set()
        stream = self._stream
        if stream is not None:
            stream.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def wait_synced(self, timeout: float | None = None) -> bool:
        """Wait until the first list is in the cache; False when ``timeout`` seconds were not enough."""
        return self._synced.wait(timeout)

    def get(self, namespace: str, name: str) -> Json | None:
        """The object, or None when it does not exist (as far as is known)."""
        with self._lock:
            return self._objects.get((namespace, name))

    def items(self, namespace: str | None = None) -> list[Json]:
        """All objects, or those of one namespace."""
        with self._lock:
            return [obj for key, obj in self._objects.items() if namespace is None or key[0] == namespace]

    def owned_by(self, uid: str, namespace: str) -> list[Json]:
        """Objects whose controlling owner has this uid."""
        return [obj for obj in self.items(namespace) if controller_uid(obj) == uid]

    def remember(self, obj: Json) -> None:
        """Take in an object that the server has just answered to a write, ahead of the watch."""
        with self._lock:
            known = self._objects.get(key_of(obj))
            # Versions up to `_seen` have come through the watch already, perhaps followed by a deletion.
            if version_of(obj) > self._seen and (known is None or version_of(known) < version_of(obj)):
                self._store(Change.MODIFIED if known else Change.ADDED, obj)

    def _run(self) -> None:
        pause = RETRY_FIRST_SECONDS
        version: str | None = None
        while not self._stopping.is_set():
            try:
                if version is None:
                    version = self._list()
                    pause = RETRY_FIRST_SECONDS
                version = self._watch(version)
                pause = RETRY_FIRST_SECONDS
            except WatchExpired:
                version = None
            except Exception as error:
                # Whatever was missed meanwhile is made up by a new list.
                version = None
                if not self._stopping.is_set():
                    summary = str(error).splitlines()[0] if str(error) else type(error).__name__
                    logger.debug("%s: list or watch failed, again in %.2f s: %s", self.resource.plural, pause, summary)
                    self._stopping.wait(pause)
                    pause = min(pause * 2, RETRY_MOST_SECONDS)

    def _list(self) -> str:
        answer = self._api.list(self.resource)
        version: str = answer["metadata"]["resourceVersion"]
        listed = {key_of(item): self._typed(item) for item in answer["items"]}
        with self._lock:
            for key, known in list(self._objects.items()):
                # What `remember` brought after the server made this list stays.
                if key not in listed and version_of(known) <= int(version):
                    self._store(Change.DELETED, known)
            for key, obj in listed.items():
                old = self._objects.get(key)
                if old is not None and version_of(old) > int(version):
                    continue
                if old is not None and old["metadata"]["uid"] != obj["metadata"]["uid"]:
                    self._store(Change.DELETED, old)
                    old = None
                if old is None or old["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
                    self._store(Change.MODIFIED if old else Change.ADDED, obj)
            self._seen = int(version)
            self._synced.set()
        return version

    def _watch(self, version: str) -> str:
        self._stream = stream = self._api.open_watch(self.resource, version)
        try:
            for kind, obj in stream:
                if self._stopping.is_set():
                    break
                version = obj["metadata"]["resourceVersion"]
                with self._lock:
                    self._seen = max(self._seen, int(version))
                    if kind != "BOOKMARK":
                        self._take(Change(kind), self._typed(obj))
        finally:
            self._stream = None
            stream.release()
        return version

    def _take(self, change: Change, obj: Json) -> None:
        known = self._objects.get(key_of(obj))
        if change is Change.DELETED:
            # The key may hold a younger object of the same name already (see `remember`).
            if known is not None and known["metadata"]["uid"] == obj["metadata"]["uid"]:
                self._store(change, obj)
        elif known is None or known["metadata"]["uid"] != obj["metadata"]["uid"] or version_of(known) < version_of(obj):
            self._store(Change.MODIFIED if known else Change.ADDED, obj)

    def _store(self, change: Change, obj: Json) -> None:
        key = key_of(obj)
        before = self._objects.pop(key, None) if change is Change.DELETED else self._objects.get(key)
        if change is not Change.DELETED:
            self._objects[key] = obj
        for handler in self._handlers:
            self._call(handler, change, before, obj)

    def _typed(self, obj: Json) -> Json:
        """Items of a List carry no kind of their own on a real server; references to them need one."""
        obj.setdefault("apiVersion", self.resource.api_version)
        obj.setdefault("kind", self.resource.kind)
        return obj

    def _call(self, handler: Handler, change: Change, before: Json | None, obj: Json) -> None:
        try:
            handler(change, before, obj)
        except Exception:
            logger.exception("handler failed for %s %s", self.resource.kind, "/".join(key_of(obj)))


class InformerSet:
    """One informer per resource, shared by all controllers of a process."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._informers: dict[Resource, Informer] = {}

    def of(self, resource: Resource) -> Informer:
        """The informer of a resource; made at the first call."""
        if resource not in self._informers:
            self._informers[resource] = Informer(self._api, resource)
        return self._informers[resource]

    def start(self) -> None:
        """Start all informers asked for so far."""
        for informer in self._informers.values():
            informer.start()

    def wait_synced(self, timeout: float) -> None:
        """Wait for all first lists. Raises `TimeoutError` naming the resource that could not be listed."""
        for resource, informer in self._informers.items():
            if not informer.wait_synced(timeout):
                raise TimeoutError(
                    f"could not list {resource.plural} from {self._api.url} within {timeout:.0f} s; "
                    "is the API server up, and does the token allow it?"
                )

    def stop(self) -> None:
        """Stop all informers."""
        for informer in self._informers.values():
            informer.stop()


def controller_uid(obj: Json) -> str | None:
    """uid of the owner that controls an object, or None."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            return str(reference["uid"])
    return None
