"""The operations on objects: create, patch, apply, delete, each with its kind's rules.

Stands between HTTP (`handlers.py`) or in-process callers and the `Store`. Every write is one step under the store's
lock: decode, defaults, mutating admission, validation, validating admission, managedFields, store.
"""

from __future__ import annotations

import uuid
from typing import Any

from local.kubernetes.api import field_sets, patches, server_side_apply
from local.kubernetes.api.changes import (
    DELETION_METADATA,
    carried_over,
    check_identity,
    content,
    established,
    is_ending_pod,
    patched,
    same,
    wrong_name,
)
from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.completion import complete
from local.kubernetes.api.decoding import WriteOptions, check_kind, decode, decode_configuration
from local.kubernetes.api.deletion import DeleteOptions, Deleter
from local.kubernetes.api.errors import (
    already_exists,
    bad_request,
    forbidden,
    invalid,
    not_found,
    path_not_found,
    required_value,
)
from local.kubernetes.api.resources import CRD_KEY, NAMESPACE_KEY, Registry, Resource
from local.kubernetes.api.store import Key, Object, Store

_PROTECTED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_DEFAULT = WriteOptions(validation="Ignore")  # in-process callers have no use for warnings


class Objects:
    """All kinds' objects. `namespace` is empty for cluster-wide kinds; every method may raise ApiError."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.registry = Registry()
        self.deleter = Deleter(store, self.registry)
        self._namespaces = self._resource(NAMESPACE_KEY)
        store.on_load = self._register_definitions
        self._register_definitions()

    def _register_definitions(self) -> None:
        for _, definition in self.store.select(CRD_KEY):
            self.registry.add(definition)

    def _resource(self, key: tuple[str, str]) -> Resource:
        resource = self.registry.by_key(key)
        if resource is None:
            raise path_not_found()
        return resource

    # ---- reading

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """One object, which the caller must not change."""
        obj = self.store.get(Key(*resource.key, namespace, name))
        if obj is None:
            raise not_found(resource, name)
        return obj

    # ---- writing

    def create(self, resource: Resource, namespace: str, body: Any, options: WriteOptions = _DEFAULT) -> Object:
        """Create an object."""
        return self._create(resource, namespace, decode(resource, body, options), options, None)

    def _create(
        self,
        resource: Resource,
        namespace: str,
        obj: Object,
        options: WriteOptions,
        entries: list[Object] | None,
    ) -> Object:
        metadata = obj["metadata"]
        with self.store.lock:
            self._place(resource, namespace, metadata)
            if metadata.get("resourceVersion"):
                raise bad_request("resourceVersion should not be set on objects to be created")
            if resource.has_status:
                obj.pop("status", None)
            for field in (*DELETION_METADATA, "selfLink", "managedFields"):
                metadata.pop(field, None)
            complete(self.store, resource, obj)
            key = Key(*resource.key, namespace, metadata["name"])
            if self.store.get(key):
                raise already_exists(resource, key.name)
            metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
            if resource.has_generation:
                metadata["generation"] = 1
            if entries is None:
                fields = set(self._owned(resource, obj, ""))
                entries = server_side_apply.new_entry(options.manager, "Update", "", obj["apiVersion"], fields)
            metadata["managedFields"] = entries
            if options.dry_run:
                return obj
            stored = self._commit(resource, key, obj)
            self.deleter.collect_if_orphan(key)
            return stored

    def _place(self, resource: Resource, namespace: str, metadata: Object) -> None:
        """Namespace and name of a new object."""
        if resource.namespaced:
            if metadata.setdefault("namespace", namespace) != namespace:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            home = self.get(self._namespaces, "", namespace)
            if "deletionTimestamp" in home["metadata"]:
                name = metadata.get("name", "")
                raise forbidden(
                    f'{resource.qualified} "{name}" is forbidden: unable to create new content in namespace '
                    f"{namespace} because it is being terminated",
                    resource,
                    name,
                )
        else:
            metadata.pop("namespace", None)
        if not metadata.get("name"):
            if not metadata.get("generateName"):
                missing = required_value("metadata.name", "name or generateName is required")
                raise invalid(resource.kind, resource.group, "", [missing])
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]

    def _commit(self, resource: Resource, key: Key, obj: Object) -> Object:
        """Store the object, and do what follows from its being there."""
        if resource.key == CRD_KEY:
            obj["status"] = established(obj)
        stored = self.store.put(key, obj)
        if resource.key == CRD_KEY:
            self.registry.add(stored)
        if resource.key == NAMESPACE_KEY and "deletionTimestamp" not in obj["metadata"]:
            account = Key("", "serviceaccounts", key.name, "default")
            if self.store.get(account) is None:
                self.create(self._resource(account.resource), key.name, {"metadata": {"name": account.name}})
        return stored

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch_type: str,
        body: Any,
        options: WriteOptions = _DEFAULT,
        subresource: str = "",
    ) -> tuple[Object, bool]:
        """Patch an object by one of the three patch types; returns its state and whether it was created by that."""
        with self.store.lock:
            if patch_type == patches.APPLY_PATCH:
                return self._apply(resource, namespace, name, body, options, subresource)
            old = self.get(resource, namespace, name)
            new = decode(resource, patched(resource, old, patch_type, body), options, source="patch")
            return self._replace(resource, old, new, options, subresource), False

    def _apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Any,
        options: WriteOptions,
        subresource: str,
    ) -> tuple[Object, bool]:
        config = decode_configuration(resource, body, name, namespace)
        live = self.store.get(Key(*resource.key, namespace, name))
        wanted = self._owned(resource, config, subresource)
        if live is None:
            if subresource or config["metadata"].get("resourceVersion") or config["metadata"].get("uid"):
                raise not_found(resource, name)
            entries = server_side_apply.new_entry(options.manager, "Apply", "", resource.api_version, set(wanted))
            created = decode(resource, config, options)
            if created["metadata"]["name"] != name:
                raise wrong_name(created["metadata"]["name"], name)
            return self._create(resource, namespace, created, options, entries), True
        applied = server_side_apply.apply_configuration(
            resource.full_schema,
            live,
            config,
            wanted,
            self._owned(resource, live, subresource),
            manager=options.manager,
            subresource=subresource,
            force=options.force,
        )
        entries = applied["metadata"]["managedFields"]
        new = decode(resource, applied, options)
        return self._replace(resource, live, new, options, subresource, entries), False

    def _replace(
        self,
        resource: Resource,
        old: Object,
        new: Object,
        options: WriteOptions,
        subresource: str,
        entries: list[Object] | None = None,
    ) -> Object:
        """Put `new`, a copy that may be changed, in the place of `old`."""
        before = old["metadata"]
        check_identity(resource, before, new["metadata"])
        new = carried_over(resource, old, new, subresource)
        complete(self.store, resource, new, old=old, subresource=subresource)
        if entries is None:
            entries = server_side_apply.track_update(
                self._owned(resource, old, subresource),
                self._owned(resource, new, subresource),
                before.get("managedFields", []),
                manager=options.manager,
                subresource=subresource,
                api_version=resource.api_version,
            )
        metadata = new["metadata"]
        metadata["managedFields"] = entries
        metadata["resourceVersion"] = before["resourceVersion"]
        if "generation" in before and content(new) != content(old):
            metadata["generation"] = before["generation"] + 1
        if options.dry_run:
            return new
        if same(old, new):
            return old
        key = Key(*resource.key, before.get("namespace", ""), before["name"])
        stored = self._commit(resource, key, new)
        if "deletionTimestamp" in metadata and not metadata.get("finalizers") and not is_ending_pod(metadata):
            return self.deleter.finish(key)
        return stored

    def _owned(self, resource: Resource, obj: Object, subresource: str) -> dict[field_sets.Path, Any]:
        status = (subresource == "status") if resource.has_status else None
        return field_sets.owned_fields(resource.full_schema, obj, status)

    # ---- deleting

    def delete(
        self, resource: Resource, namespace: str, name: str, options: DeleteOptions | None = None
    ) -> tuple[Object, bool]:
        """Delete an object; returns its last state, and whether it is gone (a finalizer or the kubelet may hold it)."""
        with self.store.lock:
            self.get(resource, namespace, name)
            if resource.key == NAMESPACE_KEY and name in _PROTECTED_NAMESPACES:
                raise forbidden(f'namespaces "{name}" is forbidden: this namespace may not be deleted', resource, name)
            key = Key(*resource.key, namespace, name)
            return self.deleter.delete(resource, key, options or DeleteOptions())

    def ensure(self, resource: Resource, namespace: str, body: Object) -> Object:
        """Create an object, or merge `body` into the one that is there."""
        name = check_kind(resource, body)["metadata"]["name"]
        with self.store.lock:
            if self.store.get(Key(*resource.key, namespace, name)) is None:
                return self.create(resource, namespace, body)
            return self.patch(resource, namespace, name, patches.MERGE_PATCH, body)[0]
