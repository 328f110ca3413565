"""A change of an object: is it meant for it, what is the new state, does it change anything, what follows from it."""

from __future__ import annotations

import copy
from typing import Any

from local.kubernetes.api import patches
from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import (
    ApiError,
    bad_request,
    conflict,
    invalid,
    invalid_value,
    modified,
    unsupported_media_type,
)
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.store import Object

_FIXED_METADATA = ("uid", "creationTimestamp", "namespace", "name", "generation", "generateName")
DELETION_METADATA = ("deletionTimestamp", "deletionGracePeriodSeconds")


def wrong_name(given: str, expected: str) -> ApiError:
    """400: body and URL name different objects."""
    return bad_request(f"the name of the object ({given}) does not match the name on the URL ({expected})")


def check_identity(resource: Resource, before: Object, given: Object) -> None:
    """Refuse a new state that is not meant for this object as it is now."""
    name = before["name"]
    if given.get("name", name) != name:
        raise wrong_name(given["name"], name)
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


def content(obj: Object) -> Object:
    """Return what counts for the generation: everything but metadata and status."""
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def same(old: Object, new: Object) -> bool:
    """Whether a write changes nothing but the time of a managedFields entry."""

    def comparable(obj: Object) -> Object:
        entries = [{k: v for k, v in e.items() if k != "time"} for e in obj["metadata"].get("managedFields", ())]
        return obj | {"metadata": obj["metadata"] | {"managedFields": entries}}

    return comparable(old) == comparable(new)


def is_ending_pod(metadata: Object) -> bool:
    """Say whether the kubelet is ending a pod: that goes when the kubelet deletes it, not at the next write."""
    return bool(metadata.get("deletionGracePeriodSeconds"))


def established(definition: Object) -> Object:
    """Make the status of a CustomResourceDefinition that is served: at once, here."""
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


def patched(resource: Resource, target: Object, patch_type: str, body: Any) -> Any:
    """Apply a merge or strategic merge patch to the object. Raises ApiError 415 for another."""
    if patch_type == patches.MERGE_PATCH:
        return patches.merge_patch(target, body)
    accepted = [patches.MERGE_PATCH, patches.APPLY_PATCH]
    if resource.custom:
        raise unsupported_media_type(accepted)
    if patch_type != patches.STRATEGIC_MERGE_PATCH:
        raise unsupported_media_type([*accepted, patches.STRATEGIC_MERGE_PATCH])
    return patches.strategic_merge_patch(target, body, resource.full_schema)


def carried_over(resource: Resource, old: Object, new: Object, subresource: str) -> Object:
    """Keep of the old state what this write cannot change: status or all but it, and the server's metadata."""
    if subresource == "status":
        status = {"status": new["status"]} if "status" in new else {}
        new = {**{key: copy.deepcopy(value) for key, value in old.items() if key != "status"}, **status}
    elif resource.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = copy.deepcopy(old["status"])
    for field in (*_FIXED_METADATA, *DELETION_METADATA):
        new["metadata"].pop(field, None)
        if field in old["metadata"]:
            new["metadata"][field] = old["metadata"][field]
    return new
