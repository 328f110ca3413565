"""The API of the one-machine cloud for what runs in its process: straight to the objects, with nothing between."""

from __future__ import annotations

from functools import partial

from local.kubernetes.api import resources
from local.kubernetes.api.binding import bind
from local.kubernetes.api.decoding import WriteOptions
from local.kubernetes.api.deletion import DeleteOptions
from local.kubernetes.api.errors import path_not_found
from local.kubernetes.api.objects import Objects
from local.kubernetes.api.patches import APPLY_PATCH, MERGE_PATCH
from local.kubernetes.api.store import Key, Store
from local.kubernetes.machinery.api import FIELD_MANAGER, Handler, call_handler
from local.kubernetes.machinery.resources import PODS, Json, Resource

_OPTIONS = WriteOptions(manager=FIELD_MANAGER, validation="Ignore")


class StoreInformer:
    """Reads the store, so that nothing is ever older than the last write."""

    def __init__(self, store: Store, resource: Resource) -> None:
        self._store = store
        self._key = (resource.group, resource.plural)

    def add_handler(self, handler: Handler) -> None:
        """Call ``handler`` for every change, from the writing thread."""
        with self._store.lock:
            for obj in self.items():
                call_handler(handler, None, obj)
            self._store.follow(self._key, partial(call_handler, handler))

    def get(self, namespace: str, name: str) -> Json | None:
        """Get the object, or None when it does not exist."""
        return self._store.get(Key(*self._key, namespace, name))

    def items(self, namespace: str = "") -> list[Json]:
        """All objects, or those of one namespace."""
        return [obj for _, obj in self._store.select(self._key, namespace)]


class StoreApi:
    """`Api` on the objects of this process."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def get(self, resource: Resource, namespace: str | None, name: str) -> Json:
        """Read one object."""
        return self._objects.get(self._known(resource), namespace or "", name)

    def create(self, resource: Resource, namespace: str | None, body: Json) -> Json:
        """Create an object."""
        return self._objects.create(self._known(resource), namespace or "", _typed(resource, body), _OPTIONS)

    def patch(
        self, resource: Resource, namespace: str | None, name: str, body: Json, subresource: str | None = None
    ) -> Json:
        """JSON merge patch of an object or of its subresource."""
        place = (self._known(resource), namespace or "", name)
        return self._objects.patch(*place, MERGE_PATCH, body, _OPTIONS, subresource or "")[0]

    def apply(self, resource: Resource, namespace: str | None, body: Json, manager: str) -> Json:
        """Server-side apply by force."""
        place = (self._known(resource), namespace or "", body["metadata"]["name"])
        options = WriteOptions(manager=manager, validation="Ignore", force=True)
        return self._objects.patch(*place, APPLY_PATCH, _typed(resource, body), options)[0]

    def bind(self, namespace: str, pod: str, node: str) -> None:
        """Assign a pod to a node."""
        bind(self._objects, self._known(PODS), namespace, pod, {"target": {"name": node}}, _OPTIONS)

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
        options = DeleteOptions(uid=uid, grace=grace_seconds)
        return self._objects.delete(self._known(resource), namespace or "", name, options)[0]

    def informer(self, resource: Resource) -> StoreInformer:
        """Follow a resource."""
        return StoreInformer(self._objects.store, resource)

    def _known(self, resource: Resource) -> resources.Resource:
        known = self._objects.registry.by_key((resource.group, resource.plural))
        if known is None:
            raise path_not_found()
        return known


def _typed(resource: Resource, body: Json) -> Json:
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}
