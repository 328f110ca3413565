"""Any Kubernetes API server, over HTTP: raw JSON, a bearer token, and informers that list and watch."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.patches import APPLY_PATCH, MERGE_PATCH
from local.kubernetes.machinery.api import FIELD_MANAGER, Handler, Key, key_of, tell
from local.kubernetes.machinery.resources import PODS, Json, Resource

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0
WATCH_SECONDS = 300
"""After so long the server ends a watch and the informer opens it again, as client-go does (5 to 10 minutes)."""
RETRY_FIRST_SECONDS = 0.05
RETRY_MOST_SECONDS = 5.0


@dataclass(frozen=True)
class ApiAccess:
    """Where the API server is and how to prove who we are.

    ``ca`` is the server's CA: the path of a PEM file, or PEM text; None for plain http.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    ca: Path | str | None = None


class HttpApi:
    """`Api` over HTTP. Every method may also raise ConnectionError. Safe to use from several threads."""

    def __init__(self, access: ApiAccess, user_agent: str = FIELD_MANAGER) -> None:
        tls: dict[str, Any] = {}
        if access.ca is not None:
            tls = {"ca_certs": str(access.ca)} if isinstance(access.ca, Path) else {"ca_cert_data": access.ca}
        # A watch holds its connection; informers and workers need more.
        self._pool = urllib3.PoolManager(maxsize=64, **tls)
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        if access.token:
            self._headers["Authorization"] = f"Bearer {access.token}"
        self.url = access.url.rstrip("/")
        self._informers: dict[Resource, HttpInformer] = {}

    def start_informers(self, timeout: float) -> None:
        """Start all informers asked for so far. Raises TimeoutError naming a resource that could not be listed."""
        for informer in self._informers.values():
            informer.start()
        for resource, informer in self._informers.items():
            if not informer.synced.wait(timeout):
                raise TimeoutError(
                    f"could not list {resource.plural} from {self.url} within {timeout:.0f} s; "
                    "is the API server up, and does the token allow it?"
                )

    def close(self) -> None:
        """Stop the informers and drop the connections."""
        for informer in self._informers.values():
            informer.stop()
        self._pool.clear()

    def informer(self, resource: Resource) -> HttpInformer:
        """Follow a resource from `start_informers` on."""
        return self._informers.setdefault(resource, HttpInformer(self, resource))

    def get(self, resource: Resource, namespace: str | None, name: str) -> Json:
        """Read one object."""
        return self._json("GET", resource.path(namespace, name))

    def text(self, path: str) -> str:
        """Get the body of any GET as text: logs, health."""
        return self._send("GET", path).data.decode("utf-8", "replace")

    def list(self, resource: Resource, namespace: str | None = None, **selectors: str) -> Json:
        """Read a whole collection (all namespaces when none is named): the List object with ``items``.

        ``selectors``: ``labelSelector``, ``fieldSelector``.
        """
        return self._json("GET", resource.path(namespace), query=selectors)

    def create(self, resource: Resource, namespace: str | None, body: Json) -> Json:
        """Create an object; 409 when it exists."""
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        return self._json("POST", resource.path(namespace), body, query={"fieldManager": FIELD_MANAGER})

    def patch(
        self, resource: Resource, namespace: str | None, name: str, body: Json, subresource: str | None = None
    ) -> Json:
        """JSON merge patch (RFC 7386) of an object or of its subresource."""
        path = resource.path(namespace, name, subresource)
        return self._json("PATCH", path, body, MERGE_PATCH, query={"fieldManager": FIELD_MANAGER})

    def apply(self, resource: Resource, namespace: str | None, body: Json, manager: str) -> Json:
        """Server-side apply by force."""
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        path = resource.path(namespace, body["metadata"]["name"])
        return self._json("PATCH", path, body, APPLY_PATCH, query={"fieldManager": manager, "force": "true"})

    def bind(self, namespace: str, pod: str, node: str) -> None:
        """Assign a pod to a node."""
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        metadata = {"name": pod, "namespace": namespace}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        self._json("POST", PODS.path(namespace, pod, "binding"), body)

    def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> Json:
        """Delete an object."""
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        return self._json("DELETE", resource.path(namespace, name), options)

    def watch(self, resource: Resource, version: str) -> urllib3.BaseHTTPResponse:
        """Follow a collection in all namespaces: the open response, a line of JSON for each event."""
        query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
        path = f"{resource.path()}?{urlencode({**query, 'timeoutSeconds': WATCH_SECONDS})}"
        return self._send("GET", path, timeout=WATCH_SECONDS + 30.0, preload_content=False)

    def _json(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Json:
        headers = {} if body is None else {"Content-Type": content_type}
        content = None if body is None else json.dumps(body).encode()
        whole = f"{path}?{urlencode(query)}" if query else path
        parsed: Json = json.loads(self._send(method, whole, headers=headers, body=content).data)
        return parsed

    def _send(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = REQUEST_SECONDS,
        **more: Any,
    ) -> urllib3.BaseHTTPResponse:
        limits = urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout)
        try:
            # Callers try again by reconciling again.
            response = self._pool.request(
                method,
                self.url + path,
                headers={**self._headers, **(headers or {})},
                timeout=limits,
                retries=False,
                **more,
            )
            if not 200 <= response.status <= 299:
                raise _refusal(response.status, response.data)
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(f"no answer from the Kubernetes API at {self.url}: {error}") from error
        return response


def _refusal(code: int, body: bytes) -> ApiError:
    try:
        status = json.loads(body)
        return ApiError(code, status.get("reason", ""), status["message"])
    except (ValueError, KeyError, TypeError):
        return ApiError(code, "", body.decode("utf-8", "replace")[:1000])


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
                tell(handler, None, obj)

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
            tell(handler, before, after)


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[Json]:
    buffer = b""
    for chunk in response.stream(amt=None, decode_content=False):
        *lines, buffer = (buffer + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())
