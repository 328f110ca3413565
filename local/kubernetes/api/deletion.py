"""Deletion: finalizers, owner references, namespaces and their content, graceful end of pods.

The real cluster leaves this to controllers that work in the background; here it happens within the request, so that a
client that waits sees the result at once. Order of events and end state are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import bad_request, conflict, invalid, unsupported_value
from local.kubernetes.api.resources import CRD_KEY, NAMESPACE_KEY, POD_KEY, Registry, Resource
from local.kubernetes.api.store import Key, Object, Store

_POLICIES = ("Foreground", "Background")
_DEFAULT_GRACE = 30


@dataclass(frozen=True)
class DeleteOptions:
    """How to delete. `grace` in seconds, for pods; `uid` and `version` are preconditions.

    Foreground is as Background here: dependents go within the request in any case. Orphan is refused.
    """

    grace: int | None = None
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False

    @classmethod
    def parse(cls, query: dict[str, str], body: Any) -> DeleteOptions:
        """From a request's query and its DeleteOptions body; the body wins. Raises ApiError 400 or 422."""
        given = body if isinstance(body, dict) else {}
        preconditions = given.get("preconditions") or {}
        orphan = given.get("orphanDependents") or query.get("orphanDependents") in ("true", "1")
        policy = given.get("propagationPolicy") or query.get("propagationPolicy") or ("Orphan" if orphan else None)
        if policy not in (None, *_POLICIES):
            unsupported = unsupported_value("propagationPolicy", policy, [*_POLICIES, "nil"])
            raise invalid("DeleteOptions", "meta.k8s.io", "", [unsupported])
        grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
        try:
            seconds = None if grace is None else max(0, int(grace))
        except (TypeError, ValueError):
            raise bad_request(f'invalid gracePeriodSeconds "{grace}": must be a whole number of seconds') from None
        return cls(
            grace=seconds,
            uid=preconditions.get("uid"),
            version=preconditions.get("resourceVersion"),
            dry_run=bool(given.get("dryRun") or query.get("dryRun")),
        )


class Deleter:
    """Takes objects out of the store, and what hangs on them."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    def delete(self, resource: Resource, key: Key, options: DeleteOptions) -> tuple[Object, bool]:
        """Delete an object that exists; returns its state, and whether it is gone (else something still holds it)."""
        with self._store.lock:
            obj = self._store.get(key)
            if obj is None:
                raise KeyError(key)
            metadata = obj["metadata"]
            for wanted, field in ((options.uid, "uid"), (options.version, "resourceVersion")):
                if wanted not in (None, metadata[field]):
                    label = "UID" if field == "uid" else "ResourceVersion"
                    why = (
                        f"the {label} in the precondition ({wanted}) does not match the {label} in record "
                        f"({metadata[field]}). The object might have been "
                        + ("deleted and then recreated" if field == "uid" else "modified")
                    )
                    raise conflict(resource, key.name, why)
            if options.dry_run:
                return obj, True
            return self._delete(key, obj, options)

    def _delete(self, key: Key, obj: Object, options: DeleteOptions) -> tuple[Object, bool]:
        if key.resource == NAMESPACE_KEY:
            self._mark(key, obj, status={"phase": "Terminating"})
            for inner in [inner for inner, _ in self._store.items() if inner.namespace == key.name]:
                self._delete_quietly(inner)
            if self._store.get(key):
                self._remove_if_empty(key)
            now = self._store.get(key)
            return (obj, True) if now is None else (now, False)
        grace = self._grace(key, obj, options)
        if grace > 0:
            return self._mark(key, obj, grace=grace), False
        if obj["metadata"].get("finalizers"):
            return self._mark(key, obj), False
        return self.finish(key), True

    def _delete_quietly(self, key: Key) -> None:
        """Delete as part of a cascade: an earlier step of it may already have done so."""
        if obj := self._store.get(key):
            self._delete(key, obj, DeleteOptions())

    def _grace(self, key: Key, obj: Object, options: DeleteOptions) -> int:
        """Seconds that the kubelet has to end a pod; a pod on no node or ended already needs none."""
        if key.resource != POD_KEY or not obj["spec"].get("nodeName"):
            return 0
        if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            return 0
        if options.grace is not None:
            return options.grace
        return int(obj["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE))

    def _mark(
        self,
        key: Key,
        obj: Object,
        *,
        grace: int | None = None,
        status: Object | None = None,
    ) -> Object:
        """Set the deletion timestamp; an object that has one already keeps it."""
        metadata = dict(obj["metadata"])
        if "deletionTimestamp" in metadata:
            return obj
        metadata["deletionTimestamp"] = timestamp(datetime.now(UTC) + timedelta(seconds=grace or 0))
        metadata["deletionGracePeriodSeconds"] = grace or 0
        marked = obj | {"metadata": metadata}
        if status:
            marked["status"] = obj.get("status", {}) | status
        return self._store.put(key, marked)

    def finish(self, key: Key) -> Object:
        """Remove an object for good, and what depends on it; returns its last state."""
        with self._store.lock:
            last = self._store.remove(key)
            if key.resource == CRD_KEY:
                self._remove_instances(last)
            for dependent in self._dependents(last):
                if self._has_other_owner(dependent, last["metadata"]["uid"]):
                    self._disown(dependent, last["metadata"]["uid"])
                else:
                    self._delete_quietly(dependent)
            self._finish_namespace(key.namespace)
            return last

    def collect_if_orphan(self, key: Key) -> None:
        """Delete an object all of whose owners are gone (it may have been made after they were deleted)."""
        with self._store.lock:
            obj = self._store.get(key)
            references = obj["metadata"].get("ownerReferences") if obj else None
            if references and not any(self._may_exist(reference) for reference in references):
                self._delete_quietly(key)

    def _may_exist(self, reference: Object) -> bool:
        known = self._registry.by_kind(reference["apiVersion"], reference["kind"])
        return known is None or self._store.by_uid(reference["uid"]) is not None

    def _dependents(self, owner: Object) -> list[Key]:
        uid = owner["metadata"]["uid"]
        return [
            key
            for key, obj in self._store.items()
            if any(reference["uid"] == uid for reference in obj["metadata"].get("ownerReferences") or ())
        ]

    def _has_other_owner(self, key: Key, uid: str) -> bool:
        obj = self._store.get(key)
        references = obj["metadata"]["ownerReferences"] if obj else []
        return any(r["uid"] != uid and self._store.by_uid(r["uid"]) for r in references)

    def _disown(self, key: Key, uid: str) -> None:
        if obj := self._store.get(key):
            metadata = dict(obj["metadata"])
            metadata["ownerReferences"] = [r for r in metadata["ownerReferences"] if r["uid"] != uid]
            self._store.put(key, obj | {"metadata": metadata})

    def _finish_namespace(self, name: str) -> None:
        key = Key(*NAMESPACE_KEY, "", name)
        namespace = self._store.get(key) if name else None
        if namespace and "deletionTimestamp" in namespace["metadata"]:
            self._remove_if_empty(key)

    def _remove_if_empty(self, key: Key) -> None:
        if not any(inner.namespace == key.name for inner, _ in self._store.items()):
            self.finish(key)

    def _remove_instances(self, definition: Object) -> None:
        spec = definition["spec"]
        for key, _ in self._store.select((spec["group"], spec["names"]["plural"])):
            self._delete_quietly(key)
        self._registry.remove(definition)
