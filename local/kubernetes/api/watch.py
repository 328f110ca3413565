"""Watches: events as a stream of JSON lines, from a resourceVersion on or from the present state."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from local.kubernetes.api.errors import expired
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.store import Event, ForgottenError, Key, Object, Store

Matcher = Callable[[Key, Object], bool]
Printer = Callable[[Object, bool], Any]
"""Makes what is sent of an object; the flag says whether it is the first of the stream (tables head it)."""

_DEFAULT_TIMEOUT = 1800.0
_TRUE = ("1", "true", "True")
_INITIAL_EVENTS_END = {"annotations": {"k8s.io/initial-events-end": "true"}}


class Watches:
    """The running watches of one server, so that it can end them all when it stops."""

    def __init__(self) -> None:
        self._wake: set[Callable[[], None]] = set()
        self.closed = False

    def close(self) -> None:
        """End every watch; from any thread."""
        self.closed = True
        for wake in list(self._wake):
            wake()

    async def stream(
        self, store: Store, resource: Resource, matches: Matcher, show: Printer, query: dict[str, str]
    ) -> AsyncIterator[bytes]:
        """Yield the events of a watch request, until its ``timeoutSeconds`` are over or `close` is called."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

        self._wake.add(wake)
        unsubscribe = store.subscribe(wake)
        try:
            version, lines = _beginning(store, resource, matches, show, query)
            for line in lines:
                yield line
            first = not lines
            deadline = time.monotonic() + float(query.get("timeoutSeconds") or _DEFAULT_TIMEOUT)
            while not self.closed:
                changed.clear()
                for event in store.events_after(version):
                    version = event.version
                    if event.key.resource == resource.key and (kind := _kind(event, matches)):
                        yield _line(kind, show(event.obj, first))
                        first = False
                async with asyncio.timeout(deadline - time.monotonic()):
                    await changed.wait()
        except ForgottenError as error:
            yield _line("ERROR", expired(str(error)).status())
        except TimeoutError:
            return
        finally:
            unsubscribe()
            self._wake.discard(wake)


def _beginning(
    store: Store, resource: Resource, matches: Matcher, show: Printer, query: dict[str, str]
) -> tuple[int, list[bytes]]:
    """Find the version from which events follow, and what comes before them. Raises `ForgottenError`."""
    asked, initial_events = query.get("resourceVersion", ""), query.get("sendInitialEvents") in _TRUE
    with store.lock:
        version = store.version
        # sendInitialEvents starts from the present state whatever the version; so does a watch without a version.
        if asked not in ("", "0") and not initial_events:
            if int(asked) > version:  # of another life of this server: its state was thrown away since
                raise ForgottenError(f"too old resource version: {asked} ({version})")
            return int(asked), []
        present = [obj for key, obj in store.select(resource.key) if matches(key, obj)]
    lines = [_line("ADDED", show(obj, number == 0)) for number, obj in enumerate(present)]
    if initial_events and query.get("allowWatchBookmarks") in _TRUE:
        metadata = {"resourceVersion": str(version), **_INITIAL_EVENTS_END}
        end = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        lines.append(_line("BOOKMARK", end))
    return version, lines


def _kind(event: Event, matches: Matcher) -> str | None:
    """Say what the event is to this watch: an object that leaves its selection is DELETED there."""
    before = event.before is not None and matches(event.key, event.before)
    after = event.type != "DELETED" and matches(event.key, event.obj)
    if before:
        return "MODIFIED" if after else "DELETED"
    return "ADDED" if after else None


def _line(kind: str, obj: Any) -> bytes:
    return json.dumps({"type": kind, "object": obj}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
