"""Small pieces that many objects share: owner references, conditions, states of pods."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from local.kubernetes.api.clock import parse_timestamp, timestamp
from local.kubernetes.api.quantities import parse_quantity
from local.kubernetes.machinery.resources import Json, Resource


def seconds_since(stamp: str | None) -> float:
    """Seconds since a ``metav1.Time``; 0 when there is none."""
    return (datetime.now(UTC) - parse_timestamp(stamp)).total_seconds() if stamp else 0.0


def owner_reference(owner: Json, resource: Resource) -> Json:
    """Make the reference that lets ``owner`` control an object, so that it goes when the owner goes."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Json) -> Json:
    """Find the reference to the owner that controls an object; empty when there is none."""
    references = obj["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), {})


def controller_uid(obj: Json) -> str | None:
    """Return the uid of the owner that controls an object, or None."""
    return controller_of(obj).get("uid")


def condition(conditions: Iterable[Json] | None, kind: str) -> Json | None:
    """Find the condition of one type, or None."""
    return next((entry for entry in conditions or () if entry.get("type") == kind), None)


def is_true(conditions: Iterable[Json] | None, kind: str) -> bool:
    """Whether a condition is there and ``True``."""
    return (condition(conditions, kind) or {}).get("status") == "True"


def put_condition(conditions: list[Json], new: Json) -> None:
    """Set a condition in a list, keeping ``lastTransitionTime`` when the status does not change."""
    old = condition(conditions, new["type"])
    same = old is not None and old.get("status") == new["status"]
    transition = old.get("lastTransitionTime") if old is not None and same else None
    entry = {**new, "lastTransitionTime": transition or timestamp()}
    if old is None:
        conditions.append(entry)
    else:
        conditions[conditions.index(old)] = entry


def changed(obj: Json, status: Json) -> bool:
    """Whether a status differs from the object's present one; counts of zero are left out on the wire."""
    old = obj.get("status") or {}
    return any((old.get(field) or None) != (value or None) for field, value in status.items())


def quantity(value: Any) -> Decimal:
    """Read a resource quantity (``100m``, ``64Mi``) as a number; 0 for none."""
    return parse_quantity(value) if value is not None else Decimal(0)


def is_pod_ready(pod: Json) -> bool:
    """Whether a pod's Ready condition is true."""
    return is_true(pod.get("status", {}).get("conditions"), "Ready")


def is_pod_active(pod: Json) -> bool:
    """Whether a pod counts for its ReplicaSet: neither ended nor on its way out."""
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed") and not is_terminating(pod)


def is_terminating(obj: Json) -> bool:
    """Whether deletion of an object has begun."""
    return bool(obj["metadata"].get("deletionTimestamp"))
