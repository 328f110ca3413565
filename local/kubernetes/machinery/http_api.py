"""Any Kubernetes API server, over HTTP: raw JSON, a bearer token, and informers that list and watch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.patches import APPLY_PATCH, MERGE_PATCH
from local.kubernetes.machinery.api import FIELD_MANAGER
from local.kubernetes.machinery.http_informer import HttpInformer
from local.kubernetes.machinery.resources import PODS, Json, Resource

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0
WATCH_SECONDS = 300
"""After so long the server ends a watch and the informer opens it again, as client-go does (5 to 10 minutes)."""


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
