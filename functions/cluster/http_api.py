"""The Kubernetes API over HTTP: `functions.cluster.api.ClusterApi` on the official client's transport.

`kubernetes.client.ApiClient` builds and sends the requests (URL, credentials, TLS, pool); its generated API classes and
models are left out. A deploy wants objects as JSON: models would drop what they do not know, and SpinApps have none.

The client's package loads far more than that when it is imported as a whole. The deploy function's bundle ships the few
modules used here (`infra.tools.kubernetes_client`); what is imported below is the same in both.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from functions.cluster.api import Object
from functions.cluster.connection import Connection
from functions.cluster.deadline import Deadline
from functions.cluster.errors import (
    CutOffError,
    ForbiddenError,
    ServerFailedError,
    TooManyRequestsError,
    TooSlowError,
    UnauthorizedError,
    UnreachableError,
    from_response,
)
from functions.cluster.http_answers import as_object, lines, transport_error, whole_body
from functions.cluster.resources import NAMESPACES, Resource
from functions.cluster.retries import until_done

_CONNECT_SECONDS: Final = 3.0
_CALL_SECONDS: Final = 12.0
"""One call's share of the deadline: an API server answers in milliseconds, and for an admission webhook that hangs
after ten seconds (SpinKube's ``timeoutSeconds``). Waiting longer than that gets its answer: nothing was written."""
_READ_TRIES: Final = 3
_MERGE_PATCH: Final = "application/merge-patch+json"
_APPLY_PATCH: Final = "application/apply-patch+yaml"
_FIELD_MANAGER: Final = "blue-faas"
"""Named in ``metadata.managedFields``, so that an operator sees who set what."""


class HttpClusterApi:
    """Keeps one connection pool for as long as the process lives and looks the cluster up again when it has moved."""

    def __init__(self, connect: Callable[[Deadline], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._client: ApiClient | None = None

    def get(self, resource: Resource, namespace: str | None, name: str, deadline: Deadline) -> Object:
        doing = _doing("read", resource, namespace, name)
        return self._read(resource.path(namespace, name), namespace, doing, deadline)

    def list(
        self,
        resource: Resource,
        namespace: str,
        deadline: Deadline,
        *,
        labels: str = "",
        fields: str = "",
        limit: int | None = None,
    ) -> list[Object]:
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(limit or "")}
        items: list[Object] = self._collection(resource, namespace, query, deadline).get("items") or []
        return items

    def _collection(self, resource: Resource, namespace: str, query: Mapping[str, str], deadline: Deadline) -> Object:
        """The objects with the version of the collection, from which a watch goes on."""
        query = {name: value for name, value in query.items() if value}
        path = resource.path(namespace) + (f"?{urlencode(query)}" if query else "")
        return self._read(path, namespace, f"list {resource.plural} in namespace '{namespace}'", deadline)

    def create(
        self, resource: Resource, namespace: str, body: Mapping[str, Any], deadline: Deadline, *, dry_run: bool = False
    ) -> Object:
        doing = _doing("create", resource, namespace, body["metadata"]["name"])
        return self._call("POST", resource.path(namespace) + _query(dry_run), namespace, doing, deadline, body)

    def merge_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Mapping[str, Any],
        deadline: Deadline,
        *,
        dry_run: bool = False,
    ) -> Object:
        doing = _doing("update", resource, namespace, name)
        path = resource.path(namespace, name) + _query(dry_run)
        return self._call("PATCH", path, namespace, doing, deadline, patch, _MERGE_PATCH)

    def apply(self, resource: Resource, namespace: str, body: Mapping[str, Any], deadline: Deadline) -> Object:
        name = body["metadata"]["name"]
        path, doing = (
            resource.path(namespace, name) + _query(dry_run=False),
            _doing("update", resource, namespace, name),
        )
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        return self._call("PATCH", path, namespace, doing, deadline, whole, _APPLY_PATCH)

    def delete(self, resource: Resource, namespace: str, name: str, uid: str, deadline: Deadline) -> None:
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        doing = _doing("delete", resource, namespace, name)
        self._call("DELETE", resource.path(namespace, name), namespace, doing, deadline, body)

    def watch(self, resource: Resource, namespace: str, name: str, deadline: Deadline) -> Iterator[Object]:
        # Read once, then watched from the version that was read: no change can fall in between. The server ends a watch
        # itself, in whole seconds; our deadline may come earlier.
        doing = _doing("watch", resource, namespace, name)
        selector = {"fieldSelector": f"metadata.name={name}"}
        there = self._collection(resource, namespace, selector, deadline)
        yield from there.get("items") or []
        query = {
            "watch": "1",
            **selector,
            "resourceVersion": there["metadata"]["resourceVersion"],
            "timeoutSeconds": str(max(1, round(deadline.remaining()))),
        }
        try:
            response = self._open("GET", f"{resource.path(namespace)}?{urlencode(query)}", doing, deadline)
        except TooSlowError:
            return  # The time for watching is over: that is no failure.
        try:
            for line in lines(response, doing, deadline):
                event = as_object(line, doing)
                if event.get("type") == "ERROR":
                    said = event.get("object") or {}
                    raise from_response(int(said.get("code") or 500), json.dumps(said).encode(), {}, doing)
                if event.get("type") in ("ADDED", "MODIFIED"):
                    yield event["object"]
        except TooSlowError:
            return
        finally:
            # An unfinished stream cannot be reused for the next call.
            response.close()

    def _read(self, path: str, namespace: str | None, doing: str, deadline: Deadline) -> Object:
        """A GET, repeated after a failure that may pass: reading twice changes nothing.

        Not after a timeout: a server that was too slow once is left alone.
        """
        return until_done(
            lambda: self._call("GET", path, namespace, doing, deadline),
            deadline,
            UnreachableError,
            CutOffError,
            ServerFailedError,
            TooManyRequestsError,
            most=_READ_TRIES,
        )

    def _call(
        self,
        method: str,
        path: str,
        namespace: str | None,
        doing: str,
        deadline: Deadline,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """One call, with the better answer where the namespace does not exist.

        Rights are granted namespace by namespace, so RBAC refuses one that does not exist too: `NotFoundError` is
        raised then.
        """
        try:
            response = self._open(method, path, doing, deadline, body, content_type)
            return as_object(whole_body(response, doing, deadline), doing)
        except ForbiddenError:
            if namespace:
                self.get(NAMESPACES, None, namespace, deadline)
            raise

    def _open(
        self,
        method: str,
        path: str,
        doing: str,
        deadline: Deadline,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> urllib3.BaseHTTPResponse:
        """Send a request and return its answer, unread, once its status is a good one."""
        try:
            response = self._request(method, path, doing, deadline, body, content_type)
            if response.status == 401:  # Refused before anything was done, so once more with a new token is safe.
                response.close()
                self._connected(deadline).renew()
                response = self._request(method, path, doing, deadline, body, content_type)
        except UnreachableError:
            self._forget()
            raise
        if response.status >= 400:
            error = from_response(response.status, whole_body(response, doing, deadline), response.headers, doing)
            if isinstance(error, UnauthorizedError):
                self._forget()
            raise error
        return response

    def _request(
        self, method: str, path: str, doing: str, deadline: Deadline, body: Mapping[str, Any] | None, content_type: str
    ) -> urllib3.BaseHTTPResponse:
        client = self._signed_in(deadline)
        seconds = deadline.budget(_CALL_SECONDS, doing)
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        request = client.param_serialize(method, path, header_params=headers, body=body, auth_settings=["BearerToken"])
        try:
            answer = client.call_api(*request, _request_timeout=(min(_CONNECT_SECONDS, seconds), seconds))
        except ApiException as error:
            # The client raises this by itself for one thing only: the TLS handshake.
            raise UnreachableError(
                f"could not {doing}: the Kubernetes API's certificate is not the cluster's"
            ) from error
        except HTTPError as error:
            raise transport_error(error, doing) from error
        response: urllib3.BaseHTTPResponse = answer.response
        return response

    def _connected(self, deadline: Deadline) -> Connection:
        if self._connection is None:
            self._connection = self._connect(deadline)
        return self._connection

    def _signed_in(self, deadline: Deadline) -> ApiClient:
        if self._client is None:
            connection = self._connected(deadline)
            configuration = Configuration(host=connection.endpoint, retries=False)
            _sign_in(connection, configuration)
            # Called again before every request: tokens live for a minute.
            configuration.refresh_api_key_hook = functools.partial(_sign_in, connection)  # type: ignore[assignment]  # inferred from its None
            client = ApiClient(configuration)
            client.user_agent = _FIELD_MANAGER
            # The client's configuration has no place for a context, its pools take one.
            client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = connection.tls_context()
            self._client = client
        return self._client

    def _forget(self) -> None:
        """Look the cluster up again next time: it may have been made anew under its name."""
        self._connection = None
        if self._client is not None:
            self._client.rest_client.close()
            self._client = None


def _sign_in(connection: Connection, configuration: Configuration) -> None:
    configuration.api_key = {"BearerToken": f"Bearer {connection.token()}"}


def _doing(verb: str, resource: Resource, namespace: str | None, name: str) -> str:
    place = f" in namespace '{namespace}'" if namespace else ""
    return f"{verb} {resource.kind} '{name}'{place}"


def _query(dry_run: bool) -> str:
    return "?" + urlencode({"fieldManager": _FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})})
