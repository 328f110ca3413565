"""What a deploy asks of a Kubernetes API server, within the time of one request.

Objects are JSON as the server sends it. The official client's generated API classes and models are left out: a model
drops the fields that it does not know, and SpinApps have none.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlencode

from functions.cluster.call import Call
from functions.cluster.deadline import Deadline
from functions.cluster.errors import (
    CutOffError,
    ForbiddenError,
    NotFoundError,
    ServerFailedError,
    TooManyRequestsError,
    TooSlowError,
    UnreachableError,
)
from functions.cluster.names import Object, ObjectName
from functions.cluster.resources import NAMESPACES, PODS, Resource
from functions.cluster.responses import as_object, error_in, lines, whole_body
from functions.cluster.retries import until_done
from functions.cluster.transport import FIELD_MANAGER, Transport

T = TypeVar("T")

_READ_TRIES: Final = 3
_MERGE_PATCH: Final = "application/merge-patch+json"
_APPLY_PATCH: Final = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster as one request sees it: every call ends by ``deadline``.

    Each call raises a `functions.cluster.errors.ClusterError` and nothing else.
    """

    transport: Transport
    deadline: Deadline

    def for_at_most(self, seconds: float) -> Self:
        """Return the same cluster with a deadline ``seconds`` from now, or its own if that comes first."""
        return replace(self, deadline=self.deadline.at_most(seconds))

    def get(self, resource: Resource, name: ObjectName) -> Object:
        """Read one object."""
        return self._read(self._call("read", "GET", resource, name))

    def find(self, resource: Resource, name: ObjectName) -> Object | None:
        """Read one object; None where there is none. A missing namespace or kind is still an error."""
        try:
            return self.get(resource, name)
        except NotFoundError as error:
            if error.resource == resource.plural:
                return None
            raise

    def list(
        self, resource: Resource, namespace: str, *, labels: str = "", fields: str = "", limit: int | None = None
    ) -> list[Object]:
        """List the objects that the selectors pick, at most ``limit`` of them; ``namespace`` is empty for all."""
        query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(limit or "")}
        items: list[Object] = self._collection(resource, namespace, query).get("items") or []
        return items

    def pod_log(self, pod: ObjectName, query: Mapping[str, str]) -> str:
        """Read a log of a pod; ``query`` as in the Kubernetes API (``tailLines``, ``previous``, …)."""
        call = self._call("read the log of", "GET", PODS, pod, f"/log?{urlencode(query)}")
        return self._again(lambda: self._body(call), call).decode("utf-8", "replace")

    def create(self, resource: Resource, body: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """Create an object; with ``dry_run`` the server checks everything and keeps nothing."""
        name = ObjectName(body["metadata"]["namespace"], body["metadata"]["name"])
        call = self._call("create", "POST", resource, name)
        return self._send(replace(call, path=resource.path(name.namespace) + _write_query(dry_run=dry_run), body=body))

    def merge_patch(
        self, resource: Resource, name: ObjectName, patch: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        """Apply a JSON merge patch (RFC 7386); one that carries ``metadata.resourceVersion`` is refused if stale."""
        call = self._call("update", "PATCH", resource, name, _write_query(dry_run=dry_run))
        return self._send(replace(call, body=patch, content_type=_MERGE_PATCH))

    def apply(self, resource: Resource, name: ObjectName, body: Mapping[str, Any]) -> Object:
        """Apply on the server: own the fields that ``body`` names. Conflicts with other owners' values are refused."""
        call = self._call("update", "PATCH", resource, name, _write_query(dry_run=False))
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        return self._send(replace(call, body=whole, content_type=_APPLY_PATCH))

    def delete(self, resource: Resource, name: ObjectName, uid: str) -> None:
        """Delete the object if it is still the very one that was read, whatever its state."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        self._send(replace(self._call("delete", "DELETE", resource, name), body=body))

    def watch(self, resource: Resource, name: ObjectName) -> Iterator[Object]:
        """Yield the object if there is one, then each new state of it until the deadline; deletions are left out.

        An error that the server sends in the stream is raised.
        """
        # Read once, then watched from the version that was read: no change can fall in between. The server ends a watch
        # itself, in whole seconds; our deadline may come earlier.
        selector = {"fieldSelector": f"metadata.name={name.name}"}
        there = self._collection(resource, name.namespace, selector)
        yield from there.get("items") or []
        query = {
            "watch": "1",
            **selector,
            "resourceVersion": there["metadata"]["resourceVersion"],
            "timeoutSeconds": str(max(1, round(self.deadline.remaining()))),
        }
        call = self._call("watch", "GET", resource, name)
        call = replace(call, path=f"{resource.path(name.namespace)}?{urlencode(query)}")
        try:
            response = self.transport.send(call)
        except TooSlowError:
            return  # The time for watching is over: that is no failure.
        try:
            for line in lines(response, call):
                event = as_object(line, call)
                if event.get("type") == "ERROR":
                    said = event.get("object") or {}
                    raise error_in(call, int(said.get("code") or 500), json.dumps(said).encode(), {})
                if event.get("type") in ("ADDED", "MODIFIED"):
                    yield event["object"]
        except TooSlowError:
            return
        finally:
            # An unfinished stream cannot be reused for the next call.
            response.close()

    def _call(self, verb: str, method: str, resource: Resource, name: ObjectName, query: str = "") -> Call:
        path = resource.path(name.namespace, name.name) + query
        return Call(method, path, f"{verb} {resource.kind} {name}", name.namespace, self.deadline)

    def _collection(self, resource: Resource, namespace: str, query: Mapping[str, str]) -> Object:
        """Read the objects with the version of the collection, from which a watch goes on."""
        query = {name: value for name, value in query.items() if value}
        path = resource.path(namespace) + (f"?{urlencode(query)}" if query else "")
        purpose = f"list {resource.plural}" + (f" in namespace '{namespace}'" if namespace else "")
        return self._read(Call("GET", path, purpose, namespace, self.deadline))

    def _read(self, call: Call) -> Object:
        """Send a GET, again after a failure that may pass: reading twice changes nothing.

        Not after a timeout: a server that was too slow once is left alone.
        """
        return self._again(lambda: self._send(call), call)

    def _again(self, read: Callable[[], T], call: Call) -> T:
        again = (UnreachableError, CutOffError, ServerFailedError, TooManyRequestsError)
        return until_done(read, call.deadline, *again, most=_READ_TRIES)

    def _send(self, call: Call) -> Object:
        """Send one call and read the object that it answers."""
        return as_object(self._body(call), call)

    def _body(self, call: Call) -> bytes:
        """Send one call and read its answer.

        Rights are granted namespace by namespace, so RBAC refuses a namespace that does not exist in the same words.
        `NotFoundError` is raised then.
        """
        try:
            return whole_body(self.transport.send(call), call)
        except ForbiddenError:
            if call.namespace:
                self.get(NAMESPACES, ObjectName("", call.namespace))
            raise


def _write_query(*, dry_run: bool) -> str:
    return "?" + urlencode({"fieldManager": FIELD_MANAGER, **({"dryRun": "All"} if dry_run else {})})
