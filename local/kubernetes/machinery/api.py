"""Raw JSON access to a Kubernetes API server through the official client.

The official client brings configuration, TLS, authorization and connection pools; its generated models are left
out, because controllers copy objects from place to place and the models would rewrite them on the way (and cost
most of the client's import and parse time).
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from local.kubernetes.machinery.resources import PODS, Json, Resource

FIELD_MANAGER = "blue-faas-local"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

REQUEST_TIMEOUT_SECONDS = 30.0
WATCH_TIMEOUT_SECONDS = 300
"""After so long the server ends a watch and the informer opens it again, as client-go does (5 to 10 minutes)."""


@dataclass(frozen=True)
class ApiAccess:
    """Where the API server is and how to prove who we are.

    ``ca`` is the server's CA: the path of a PEM file, or PEM text; None for plain http.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    ca: Path | str | None = None


class WatchExpired(Exception):  # noqa: N818  (the API's own word for status 410)
    """The resourceVersion asked for is too old: list again."""


class KubernetesApi:
    """Verbs of the Kubernetes API on plain dicts.

    Every method raises `ApiException` for an error status, and ConnectionError when the server cannot be reached.

    Safe to use from several threads.
    """

    def __init__(self, access: ApiAccess, user_agent: str = FIELD_MANAGER) -> None:
        configuration = Configuration(host=access.url.rstrip("/"))
        if isinstance(access.ca, Path):
            configuration.ssl_ca_cert = str(access.ca)
        elif access.ca is not None:
            configuration.ca_cert_data = access.ca
        configuration.connection_pool_maxsize = 64  # a watch holds its connection; informers and workers need more
        configuration.proxy = None
        configuration.retries = False  # callers retry by reconciling again
        self._client = ApiClient(configuration)
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        if access.token:
            self._headers["Authorization"] = f"Bearer {access.token}"
        self.url = configuration.host

    def close(self) -> None:
        """Drop the pooled connections."""
        self._client.rest_client.close()

    def get(self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> Json:
        """Read one object."""
        return self._call("GET", resource.path(namespace, name, subresource))

    def read_text(self, path: str) -> str:
        """The body of any GET as text: logs, health."""
        response = self._send("GET", self.url + path, dict(self._headers), None, REQUEST_TIMEOUT_SECONDS)
        text = _read(response)
        if response.status != 200:
            raise ApiException(http_resp=response)
        return text.decode("utf-8", "replace")

    def list(self, resource: Resource, namespace: str | None = None, **selectors: str) -> Json:
        """Read a whole collection (all namespaces when none is named): the List object with ``items``.

        ``selectors``: ``labelSelector``, ``fieldSelector``.
        """
        return self._call("GET", resource.path(namespace), query=selectors)

    def create(self, resource: Resource, namespace: str | None, body: Json) -> Json:
        """Create an object; 409 when it exists."""
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        return self._call("POST", resource.path(namespace), body, query={"fieldManager": FIELD_MANAGER})

    def patch(
        self, resource: Resource, namespace: str | None, name: str, body: Json, subresource: str | None = None
    ) -> Json:
        """JSON merge patch (RFC 7386) of an object or of its subresource."""
        path = resource.path(namespace, name, subresource)
        return self._call("PATCH", path, body, MERGE_PATCH, {"fieldManager": FIELD_MANAGER})

    def apply(self, resource: Resource, namespace: str | None, body: Json, manager: str) -> Json:
        """Server-side apply by force: fields that ``body`` names become ``manager``'s, whoever had them."""
        body = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        path = resource.path(namespace, body["metadata"]["name"])
        return self._call("PATCH", path, body, APPLY_PATCH, {"fieldManager": manager, "force": "true"})

    def bind(self, namespace: str, pod: str, node: str) -> None:
        """Assign a pod to a node: by the ``binding`` subresource, or by a patch where a server has none."""
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod, "namespace": namespace},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            self._call("POST", PODS.path(namespace, pod, "binding"), body)
        except ApiException as error:
            if error.status not in (404, 405):
                raise
            self.patch(PODS, namespace, pod, {"spec": {"nodeName": node}})

    def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
    ) -> Json:
        """Delete an object; with ``uid`` only if it is still that very object (409 otherwise).

        ``grace_seconds=0`` removes a pod that the node has already stopped.
        """
        options: Json = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        return self._call("DELETE", resource.path(namespace, name), options)

    def open_watch(self, resource: Resource, resource_version: str) -> "WatchStream":
        """Follow a collection in all namespaces from ``resource_version`` on."""
        query = {
            "watch": "true",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_TIMEOUT_SECONDS),
        }
        url = f"{self.url}{resource.path()}?{urlencode(query)}"
        response = self._send("GET", url, dict(self._headers), None, (5.0, WATCH_TIMEOUT_SECONDS + 30.0))
        if response.status == 410:
            _read(response)
            raise WatchExpired
        if response.status != 200:
            _read(response)
            raise ApiException(http_resp=response)
        return WatchStream(response.response)

    def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content_type: str = "application/json",
        query: dict[str, str] | None = None,
    ) -> Json:
        url = self.url + path + (f"?{urlencode(query)}" if query else "")
        headers = {**self._headers, "Content-Type": content_type} if body is not None else dict(self._headers)
        response = self._send(method, url, headers, body, REQUEST_TIMEOUT_SECONDS)
        text = _read(response)
        if not 200 <= response.status <= 299:
            raise ApiException(http_resp=response)
        parsed: Json = json.loads(text)
        return parsed

    def _send(self, method: str, url: str, headers: dict[str, str], body: Json | None, timeout: Any) -> Any:
        try:
            return self._client.call_api(method, url, headers, body, _request_timeout=timeout)
        except HTTPError as error:
            raise ConnectionError(f"no answer from the Kubernetes API at {self.url}: {error}") from error


class WatchStream:
    """An open watch: iterate for ``(type, object)``; `close` from any thread ends the iteration."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __iter__(self) -> Iterator[tuple[str, Json]]:
        buffer = b""
        for chunk in self._response.stream(amt=None, decode_content=False):
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if not line.strip():
                    continue
                event = json.loads(line)
                if event["type"] == "ERROR":
                    if event["object"].get("code") == 410:
                        raise WatchExpired
                    raise ApiException(status=event["object"].get("code"), reason=event["object"].get("message"))
                yield event["type"], event["object"]

    def close(self) -> None:
        """Wake a reader that is blocked in another thread, then let the connection go."""
        # Not response.close(): it waits for the reader's lock. The reader closes the response when it leaves.
        with suppress(OSError, ValueError, RuntimeError):
            self._response.shutdown()

    def release(self) -> None:
        """Close the connection; called by the reader itself."""
        self._response.close()


def _read(response: Any) -> bytes:
    """The whole answer; the client's own annotations end before its response object."""
    content: bytes = response.read()
    return content


def is_not_found(error: ApiException) -> bool:
    """Whether the object (or its namespace) is gone."""
    return bool(error.status == 404)


def is_conflict(error: ApiException) -> bool:
    """Whether somebody else changed or created the object first."""
    return bool(error.status == 409)


def message_of(error: ApiException) -> str:
    """The server's own sentence about an error, without headers and body around it."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.reason or error)
