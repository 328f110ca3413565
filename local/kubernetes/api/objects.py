"""The operations on objects: create, replace, patch, apply, delete, each with its kind's rules.

Stands between HTTP (`handlers.py`) or in-process callers and the `Store`. Every write is one step under the store's
lock: decode, defaults, mutating admission, validation, validating admission, managedFields, store.
"""

from __future__ import annotations

import copy
import uuid
from typing import Any

from local.kubernetes.api import admission, field_sets, patches, server_side_apply
from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.decoding import WriteOptions, check_kind, decode, decode_configuration
from local.kubernetes.api.defaults import apply_defaults
from local.kubernetes.api.deletion import DeleteOptions, Deleter
from local.kubernetes.api.errors import (
    FieldError,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    invalid_value,
    modified,
    not_found,
    path_not_found,
    unsupported_media_type,
)
from local.kubernetes.api.names import check_metadata
from local.kubernetes.api.object_rules import check_change, check_object
from local.kubernetes.api.resources import CRD_KEY, NAMESPACE_KEY, Registry, Resource
from local.kubernetes.api.scale import read_scale, with_replicas
from local.kubernetes.api.store import Key, Object, Store
from local.kubernetes.api.validation import validate

_PROTECTED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_FIXED_METADATA = ("uid", "creationTimestamp", "namespace", "name", "generation", "generateName")
_DELETION_METADATA = ("deletionTimestamp", "deletionGracePeriodSeconds")
_DEFAULT = WriteOptions()


class Objects:
    """All kinds' objects. `namespace` is empty for cluster-wide kinds; every method may raise ApiError."""

    def __init__(self, store: Store, registry: Registry | None = None, *, graceful_pods: bool = False) -> None:
        self.store = store
        self.registry = registry or Registry()
        self.deleter = Deleter(store, self.registry, graceful_pods)
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
            for field in (*_DELETION_METADATA, "selfLink", "managedFields"):
                metadata.pop(field, None)
            self._complete(resource, obj)
            key = Key(*resource.key, namespace, metadata["name"])
            if self.store.get(key):
                raise already_exists(resource, key.name)
            metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
            if resource.has_status or resource.custom:
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
                why = "name or generateName is required"
                raise invalid(
                    resource.kind,
                    resource.group,
                    "",
                    [FieldError("FieldValueRequired", "metadata.name", f"Required value: {why}")],
                )
            metadata["name"] = metadata["generateName"] + uuid.uuid4().hex[:5]

    def _complete(self, resource: Resource, obj: Object, *, old: Object | None = None, subresource: str = "") -> None:
        """Defaults, admission and validation; changes `obj` in place."""
        if not resource.custom:
            apply_defaults(resource.key, obj)
        if not subresource:
            admission.mutate(resource.key, obj, self.store)
        errors = check_metadata(obj["metadata"], resource.name_rule)
        for error in validate(resource.full_schema, obj):
            # Go's decoder gives a built-in kind's status its zero values: nothing in it is required.
            if resource.custom or not error.field.startswith("status"):
                errors.append(error)
        if not errors and not resource.custom:
            errors = check_object(resource.key, obj)
        if not errors and old is not None:
            errors = check_change(resource.key, old, obj)
        if errors:
            raise invalid(resource.kind, resource.group, obj["metadata"]["name"], errors)
        if not subresource:
            admission.admit(resource.key, obj, self.store)

    def _commit(self, resource: Resource, key: Key, obj: Object) -> Object:
        """Store the object, and do what follows from its being there."""
        if resource.key == CRD_KEY:
            obj["status"] = _established(obj)
        stored = self.store.put(key, obj)
        if resource.key == CRD_KEY:
            self.registry.add(stored)
        if resource.key == NAMESPACE_KEY and "deletionTimestamp" not in obj["metadata"]:
            account = Key("", "serviceaccounts", key.name, "default")
            if self.store.get(account) is None:
                self.create(self._resource(account.resource), key.name, {"metadata": {"name": "default"}})
        return stored

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Any,
        options: WriteOptions = _DEFAULT,
        subresource: str = "",
    ) -> Object:
        """Replace an object, its ``status``, or its ``scale`` (then body and answer are a Scale)."""
        with self.store.lock:
            old = self.get(resource, namespace, name)
            if subresource == "scale":
                new = with_replicas(resource, old, body)
                return read_scale(resource, self._replace(resource, old, new, options, subresource))
            new = decode(resource, body, options)
            if resource.custom and not new["metadata"].get("resourceVersion"):
                why = "must be specified for an update"
                error = FieldError("FieldValueInvalid", "metadata.resourceVersion", f"Invalid value: 0x0: {why}")
                raise invalid(resource.kind, resource.group, name, [error])
            return self._replace(resource, old, new, options, subresource)

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
        """Patch an object by one of the four patch types; returns its state and whether it was created by that."""
        with self.store.lock:
            if patch_type == patches.APPLY_PATCH and subresource != "scale":
                return self._apply(resource, namespace, name, body, options, subresource)
            old = self.get(resource, namespace, name)
            target = read_scale(resource, old) if subresource == "scale" else old
            if patch_type == patches.MERGE_PATCH:
                patched = patches.merge_patch(target, body)
            elif patch_type == patches.JSON_PATCH:
                patched = patches.json_patch(target, body)
            elif patch_type == patches.STRATEGIC_MERGE_PATCH and not resource.custom:
                patched = patches.strategic_merge_patch(target, body, resource.full_schema)
            else:
                accepted = [patches.JSON_PATCH, patches.MERGE_PATCH, patches.APPLY_PATCH]
                raise unsupported_media_type(
                    accepted if resource.custom else [*accepted, patches.STRATEGIC_MERGE_PATCH]
                )
            if subresource == "scale":
                return self.update(resource, namespace, name, patched, options, subresource), False
            new = decode(resource, patched, options, source="patch")
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
                raise _wrong_name(created["metadata"]["name"], name)
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
        name, before = old["metadata"]["name"], old["metadata"]
        _check_identity(resource, before, new["metadata"])
        if subresource == "status":
            status = {"status": new["status"]} if "status" in new else {}
            new = {**{key: copy.deepcopy(value) for key, value in old.items() if key != "status"}, **status}
        elif resource.has_status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = copy.deepcopy(old["status"])
        metadata = new["metadata"]
        for field in (*_FIXED_METADATA, *_DELETION_METADATA):
            metadata.pop(field, None)
            if field in before:
                metadata[field] = before[field]
        self._complete(resource, new, old=old, subresource=subresource)
        if entries is None:
            entries = server_side_apply.track_update(
                self._owned(resource, old, subresource),
                self._owned(resource, new, subresource),
                before.get("managedFields", []),
                manager=options.manager,
                subresource=subresource,
                api_version=resource.api_version,
            )
        metadata["managedFields"] = entries
        metadata["resourceVersion"] = before["resourceVersion"]
        if "generation" in before and _content(new) != _content(old):
            metadata["generation"] = before["generation"] + 1
        if options.dry_run:
            return new
        if _same(old, new):
            return old
        key = Key(*resource.key, before.get("namespace", ""), name)
        stored = self._commit(resource, key, new)
        if "deletionTimestamp" in metadata and not metadata.get("finalizers") and not _is_ending_pod(metadata):
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

    def bind(self, resource: Resource, namespace: str, name: str, body: Any, options: WriteOptions) -> None:
        """Put a pod on the node that a Binding names. Raises ApiError 409 when it is on one already."""
        target = body.get("target") if isinstance(body, dict) else None
        node = target.get("name") if isinstance(target, dict) else None
        if not isinstance(node, str) or not node:
            raise bad_request("a Binding must name its node in target.name")
        with self.store.lock:
            pod = self.get(resource, namespace, name)
            if pod["spec"].get("nodeName"):
                raise conflict(resource, name, f'pod {name} is already assigned to node "{pod["spec"]["nodeName"]}"')
            scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": timestamp()}
            status = pod.get("status", {})
            conditions = [item for item in status.get("conditions", ()) if item["type"] != "PodScheduled"]
            spec = {"spec": {"nodeName": node}}
            self.patch(resource, namespace, name, patches.MERGE_PATCH, spec, options)
            told = {"status": {"conditions": [*conditions, scheduled]}}
            self.patch(resource, namespace, name, patches.MERGE_PATCH, told, options, "status")

    def ensure(self, resource: Resource, namespace: str, body: Object) -> Object:
        """Create an object, or merge `body` into the one that is there."""
        name = check_kind(resource, body)["metadata"]["name"]
        with self.store.lock:
            if self.store.get(Key(*resource.key, namespace, name)) is None:
                return self.create(resource, namespace, body)
            return self.patch(resource, namespace, name, patches.MERGE_PATCH, body)[0]


def _wrong_name(given: str, expected: str) -> Exception:
    return bad_request(f"the name of the object ({given}) does not match the name on the URL ({expected})")


def _check_identity(resource: Resource, before: Object, given: Object) -> None:
    """The new state must be meant for this object, as it is now."""
    name = before["name"]
    if given.get("name", name) != name:
        raise _wrong_name(given["name"], name)
    if given.get("namespace") not in (None, "", before.get("namespace")):
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if given.get("resourceVersion") not in (None, "", before["resourceVersion"]):
        raise modified(resource, name)
    if given.get("uid") not in (None, "", before["uid"]):
        why = f"Precondition failed: UID in precondition: {given['uid']}, UID in object meta: {before['uid']}"
        raise conflict(resource, name, why)
    if "deletionTimestamp" in before:
        added = set(given.get("finalizers") or ()) - set(before.get("finalizers") or ())
        if added:
            why = "no new finalizers can be added if the object is being deleted"
            raise invalid(
                resource.kind, resource.group, name, [invalid_value("metadata.finalizers", sorted(added), why)]
            )


def _content(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _same(old: Object, new: Object) -> bool:
    """Whether a write changes nothing but the time of a managedFields entry."""

    def comparable(obj: Object) -> Object:
        entries = [{k: v for k, v in e.items() if k != "time"} for e in obj["metadata"].get("managedFields", ())]
        return obj | {"metadata": obj["metadata"] | {"managedFields": entries}}

    return comparable(old) == comparable(new)


def _is_ending_pod(metadata: Object) -> bool:
    """A pod that the kubelet is ending goes when the kubelet deletes it, not at the next write."""
    return bool(metadata.get("deletionGracePeriodSeconds"))


def _established(definition: Object) -> Object:
    """The status of a CustomResourceDefinition that is served: at once, here."""
    spec = definition["spec"]
    since = definition.get("status", {}).get("conditions", [{}])[0].get("lastTransitionTime") or timestamp()
    reasons = {"NamesAccepted": "NoConflicts", "Established": "InitialNamesAccepted"}
    return {
        "conditions": [
            {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": since}
            for kind, reason in reasons.items()
        ],
        "acceptedNames": spec["names"],
        "storedVersions": [version["name"] for version in spec["versions"]],
    }
