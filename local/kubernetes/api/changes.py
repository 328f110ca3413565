"""Questions about a change of an object: is it meant for it, does it change anything, what follows from it."""

from __future__ import annotations

from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import ApiError, bad_request, conflict, invalid, invalid_value, modified
from local.kubernetes.api.resources import Resource
from local.kubernetes.api.store import Object


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
