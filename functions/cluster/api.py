"""What a deploy asks of a Kubernetes API server: the port that `http_api` implements."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from functions.cluster.deadline import Deadline
from functions.cluster.errors import NotFoundError
from functions.cluster.resources import Resource

Object = dict[str, Any]
"""A Kubernetes object as JSON: the API's own names, nothing converted, nothing lost on the way back."""


class ClusterApi(Protocol):
    """Calls to one cluster. Each raises a `functions.cluster.errors.ClusterError` and ends by ``deadline``."""

    def get(self, resource: Resource, namespace: str | None, name: str, deadline: Deadline) -> Object:
        """One object, as it is now."""

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
        """The namespace's objects that the selectors pick; with ``limit`` not more than so many."""

    def create(
        self, resource: Resource, namespace: str, body: Mapping[str, Any], deadline: Deadline, *, dry_run: bool = False
    ) -> Object:
        """Create; with ``dry_run`` only go through admission: everything is checked, nothing is kept."""

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
        """Apply a JSON merge patch (RFC 7386); one that carries ``metadata.resourceVersion`` is refused if stale."""

    def apply(self, resource: Resource, namespace: str, body: Mapping[str, Any], deadline: Deadline) -> Object:
        """Server-side apply: own the fields that ``body`` names. Conflicts with other owners' values are refused."""

    def delete(self, resource: Resource, namespace: str, name: str, uid: str, deadline: Deadline) -> None:
        """Delete the object if it is still the very one that was read, whatever its state."""

    def watch(self, resource: Resource, namespace: str, name: str, deadline: Deadline) -> Iterator[Object]:
        """The object now, if there is one, then each new state of it, until ``deadline``; deletions are left out.

        Read once, then watched; what the server says in the stream of an error is raised.
        """


def find(api: ClusterApi, resource: Resource, namespace: str | None, name: str, deadline: Deadline) -> Object | None:
    """The object, or None where there is none; a namespace or a kind that is not there is still an error."""
    try:
        return api.get(resource, namespace, name, deadline)
    except NotFoundError as error:
        if error.resource == resource.plural:
            return None
        raise
