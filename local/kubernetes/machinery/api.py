"""What controllers and the node need of a Kubernetes API. Methods raise `ApiError` for what the server refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from local.kubernetes.machinery.resources import Json, Resource

logger = logging.getLogger(__name__)

FIELD_MANAGER = "blue-faas-local"

Key = tuple[str, str]
"""(namespace, name); the namespace of cluster-wide objects is the empty text."""

Handler = Callable[[Json | None, Json | None], None]
"""Called with an object before and after a change: no object before it is made, none after it is deleted."""


class Informer(Protocol):
    """One resource's objects as they are now. Objects that it hands out must not be changed."""

    def add_handler(self, handler: Handler) -> None:
        """Call ``handler`` for every change, one after the other; objects that are there already come as made."""

    def get(self, namespace: str, name: str) -> Json | None:
        """Get the object, or None when it does not exist (as far as is known)."""

    def items(self, namespace: str = "") -> list[Json]:
        """All objects, or those of one namespace."""


class Api(Protocol):
    """Verbs on plain dicts. Objects that come back must not be changed."""

    def get(self, resource: Resource, namespace: str | None, name: str) -> Json:
        """Read one object."""

    def create(self, resource: Resource, namespace: str | None, body: Json) -> Json:
        """Create an object; 409 when it exists."""

    def patch(
        self, resource: Resource, namespace: str | None, name: str, body: Json, subresource: str | None = None
    ) -> Json:
        """JSON merge patch (RFC 7386) of an object or of its subresource."""

    def apply(self, resource: Resource, namespace: str | None, body: Json, manager: str) -> Json:
        """Server-side apply by force: fields that ``body`` names become ``manager``'s, whoever had them."""

    def bind(self, namespace: str, pod: str, node: str) -> None:
        """Assign a pod to a node."""

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

    def informer(self, resource: Resource) -> Informer:
        """Follow a resource; one informer for all who ask."""


def key_of(obj: Json) -> Key:
    """Return the key of an object."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def object_of(before: Json | None, after: Json | None) -> Json:
    """Return the object of a change: as it is now, or as it was last."""
    found = before if after is None else after
    if found is None:
        raise ValueError("a change is of something")
    return found


def call_handler(handler: Handler, before: Json | None, after: Json | None) -> None:
    """Call a handler; its failure is its own."""
    try:
        handler(before, after)
    except Exception:
        logger.exception(
            "handler failed for %s %s", object_of(before, after).get("kind"), key_of(object_of(before, after))
        )
