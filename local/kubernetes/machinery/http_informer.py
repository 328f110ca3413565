"""An informer over HTTP: lists a resource, then watches it from there on, for as long as the server is there."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import urllib3

from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.api import Handler, Key, call_handler, key_of
from local.kubernetes.machinery.resources import Json, Resource

if TYPE_CHECKING:
    from local.kubernetes.machinery.http_api import HttpApi

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.05
RETRY_MOST_SECONDS = 5.0


class HttpInformer:
    """Lists and watches one resource in a thread of its own."""

    def __init__(self, api: HttpApi, resource: Resource) -> None:
        self.synced = threading.Event()
        """Set once the first list is there."""
        self._api = api
        self._resource = resource
        self._objects: dict[Key, Json] = {}
        self._handlers: list[Handler] = []
        # Re-entrant, and held while handlers run: handlers see changes one after the other, in order.
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._response: urllib3.BaseHTTPResponse | None = None
        self._thread = threading.Thread(target=self._run, name=f"informer-{resource.plural}", daemon=True)

    def add_handler(self, handler: Handler) -> None:
        """Call ``handler`` for every change, from the informer's thread."""
        with self._lock:
            self._handlers.append(handler)
            for obj in list(self._objects.values()):
                call_handler(handler, None, obj)

    def get(self, namespace: str, name: str) -> Json | None:
        """Get the object, or None when it does not exist as far as is known."""
        with self._lock:
            return self._objects.get((namespace, name))

    def items(self, namespace: str = "") -> list[Json]:
        """All objects, or those of one namespace."""
        with self._lock:
            return [obj for key, obj in self._objects.items() if namespace in ("", key[0])]

    def start(self) -> None:
        """Start listing and watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop at once, in the middle of a watch too, and wait for the thread."""
        self._stopping.set()
        if (response := self._response) is not None:
            # Not response.close(): it waits for the reader's lock. The reader closes the response when it leaves.
            with suppress(OSError, ValueError, RuntimeError):
                response.shutdown()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        pause = RETRY_FIRST_SECONDS
        while not self._stopping.is_set():
            try:
                version = self._list()
                pause = RETRY_FIRST_SECONDS
                while not self._stopping.is_set():
                    version = self._watch(version)
            except Exception as error:
                # Whatever was missed meanwhile is made up by the next list.
                logger.debug("%s: list or watch failed, again in %.2f s: %s", self._resource.plural, pause, error)
                self._stopping.wait(pause)
                pause = min(pause * 2, RETRY_MOST_SECONDS)

    def _list(self) -> str:
        answer = self._api.list(self._resource)
        listed = {key_of(item): item for item in answer["items"]}
        with self._lock:
            for key in [key for key in self._objects if key not in listed]:
                self._set(key, None)
            for key, obj in listed.items():
                self._set(key, obj)
        self.synced.set()
        version: str = answer["metadata"]["resourceVersion"]
        return version

    def _watch(self, version: str) -> str:
        self._response = response = self._api.watch(self._resource, version)
        try:
            for event in _events(response):
                if self._stopping.is_set():
                    break
                obj = event["object"]
                if event["type"] == "ERROR":
                    raise ApiError(obj.get("code", 500), obj.get("reason", ""), obj.get("message", ""))
                version = obj["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._set(key_of(obj), None if event["type"] == "DELETED" else obj)
        finally:
            self._response = None
            response.close()
        return version

    def _set(self, key: Key, after: Json | None) -> None:
        with self._lock:
            before = self._objects.pop(key, None)
            if before and after and before["metadata"]["uid"] != after["metadata"]["uid"]:
                self._tell(before, None)
                before = None
            if after is not None:
                # Items of a List carry no kind of their own on a real server; references to them need one.
                after.setdefault("apiVersion", self._resource.api_version)
                after.setdefault("kind", self._resource.kind)
                self._objects[key] = after
            if before != after:
                self._tell(before, after)

    def _tell(self, before: Json | None, after: Json | None) -> None:
        for handler in self._handlers:
            call_handler(handler, before, after)


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[Json]:
    buffer = b""
    for chunk in response.stream(amt=None, decode_content=False):
        *lines, buffer = (buffer + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())
