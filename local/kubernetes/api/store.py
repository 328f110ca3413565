"""Where objects live: a dictionary, a resourceVersion that counts writes, and a log of events for watches.

The store knows nothing of HTTP or of kinds' rules (`objects.py` does), nor of files; it gives out versions and wakes
watchers. Objects in it are never changed in place: a write puts a new one, so readers need no copy as long as
they only read. Any thread may call it; a read-modify-write holds `lock`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Object = dict[str, Any]
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Follower = Callable[[Object | None, Object | None], None]
"""Told of an object before and after a write: none before it is made, none after it is deleted."""

DEFAULT_HISTORY = 10_000


class Key(NamedTuple):
    """Where an object stands: `namespace` is empty for cluster-wide kinds."""

    group: str
    plural: str
    namespace: str
    name: str

    @property
    def resource(self) -> tuple[str, str]:
        """Group and plural."""
        return self.group, self.plural


class ForgottenError(Exception):
    """A resourceVersion that the server cannot go back to."""


@dataclass(frozen=True)
class Event:
    """One write. `before` is the object that it replaced; `obj` carries the write's resourceVersion."""

    version: int
    type: EventType
    key: Key
    obj: Object
    before: Object | None


class Store:
    """Objects by key. `history` is how many events a watch can look back before it gets 410."""

    def __init__(self, history: int = DEFAULT_HISTORY) -> None:
        self.lock = threading.RLock()
        self._objects: dict[Key, Object] = {}
        self._by_resource: dict[tuple[str, str], dict[Key, Object]] = {}
        self._by_uid: dict[str, Key] = {}
        self.on_load: Callable[[], None] = lambda: None
        """Called after `restore`, for what is derived from the objects."""
        self._version = 1
        self._forgotten = 1
        self._log: deque[Event] = deque()
        self._history = history
        self._listeners: list[Callable[[], None]] = []
        self._followers: dict[tuple[str, str], list[Follower]] = {}

    # ---- reading

    @property
    def version(self) -> int:
        """The resourceVersion of the last write."""
        return self._version

    @property
    def oldest_version(self) -> int:
        """A watch may start from this resourceVersion or any later one."""
        return self._forgotten

    def get(self, key: Key) -> Object | None:
        """Return the object, which the caller must not change; `None` when there is none."""
        return self._objects.get(key)

    def select(self, resource: tuple[str, str], namespace: str = "") -> list[tuple[Key, Object]]:
        """Objects of a kind, ordered by namespace and name; an empty `namespace` means all."""
        with self.lock:
            items = list(self._by_resource.get(resource, {}).items())
        if namespace:
            items = [item for item in items if item[0].namespace == namespace]
        return sorted(items, key=lambda item: (item[0].namespace, item[0].name))

    def by_uid(self, uid: str) -> Key | None:
        """Where the object with this uid stands."""
        return self._by_uid.get(uid)

    def items(self) -> Iterator[tuple[Key, Object]]:
        """Everything, as of now."""
        with self.lock:
            return iter(list(self._objects.items()))

    # ---- writing

    def put(self, key: Key, obj: Object) -> Object:
        """Store a new object or a new state of one; returns it with its resourceVersion."""
        with self.lock:
            before = self._objects.get(key)
            stamped = self._stamp(obj)
            self._objects[key] = stamped
            self._by_resource.setdefault(key.resource, {})[key] = stamped
            self._by_uid[stamped["metadata"]["uid"]] = key
            self._record("ADDED" if before is None else "MODIFIED", key, stamped, before)
            return stamped

    def remove(self, key: Key) -> Object:
        """Take an object out; returns its last state. Raises KeyError when there is none."""
        with self.lock:
            before = self._objects.pop(key)
            del self._by_resource[key.resource][key]
            self._by_uid.pop(before["metadata"]["uid"], None)
            last = self._stamp(before)
            self._record("DELETED", key, last, before)
            return last

    def _stamp(self, obj: Object) -> Object:
        self._version += 1
        return obj | {"metadata": obj["metadata"] | {"resourceVersion": str(self._version)}}

    def _record(self, kind: EventType, key: Key, obj: Object, before: Object | None) -> None:
        self._log.append(Event(self._version, kind, key, obj, before))
        while len(self._log) > self._history:
            self._forgotten = self._log.popleft().version
        for listener in self._listeners:
            listener()
        for follower in self._followers.get(key.resource, ()):
            follower(before, None if kind == "DELETED" else obj)

    # ---- watching

    def follow(self, resource: tuple[str, str], follower: Follower) -> None:
        """Tell ``follower`` of each write of a kind, from the writing thread and under the lock."""
        with self.lock:
            self._followers.setdefault(resource, []).append(follower)

    def events_after(self, version: int) -> list[Event]:
        """Events later than a resourceVersion, oldest first. Raises `ForgottenError` when some are."""
        with self.lock:
            if version < self._forgotten:
                raise ForgottenError(f"too old resource version: {version} ({self._forgotten})")
            newer: deque[Event] = deque()
            for event in reversed(self._log):
                if event.version <= version:
                    break
                newer.appendleft(event)
            return list(newer)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each write, from the writing thread and under the lock; returns how to stop it."""
        with self.lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self.lock:
                self._listeners.remove(listener)

        return unsubscribe

    def forget_history(self) -> None:
        """Drop the event log, as etcd's compaction does: watches from older versions get 410."""
        with self.lock:
            self._log.clear()
            self._forgotten = self._version

    # ---- persistence

    def restore(self, objects: Mapping[Key, Object], version: int) -> None:
        """Replace everything by what there was at a resourceVersion. Watches from before must list again."""
        with self.lock:
            self._objects = dict(objects)
            self._by_resource, self._by_uid = {}, {}
            for key, obj in objects.items():
                self._by_resource.setdefault(key.resource, {})[key] = obj
                self._by_uid[obj["metadata"]["uid"]] = key
            self._version = self._forgotten = version
            self._log.clear()
            self.on_load()
            for listener in self._listeners:
                listener()
