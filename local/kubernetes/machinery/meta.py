"""Small pieces that many objects share: timestamps, owner references, conditions, labels, quantities."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from local.kubernetes.machinery.resources import Json, Resource


def timestamp(at: datetime | None = None) -> str:
    """A ``metav1.Time``: UTC, whole seconds."""
    return (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(stamp: str | None) -> float:
    """Seconds since a ``metav1.Time``; 0 when there is none."""
    if not stamp:
        return 0.0
    return (datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()


def owner_reference(owner: Json, resource: Resource) -> Json:
    """The reference that makes ``owner`` the controller of an object, so that it goes when the owner goes."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(conditions: Iterable[Json] | None, kind: str) -> Json | None:
    """The condition of one type, or None."""
    return next((entry for entry in conditions or () if entry.get("type") == kind), None)


def is_true(conditions: Iterable[Json] | None, kind: str) -> bool:
    """Whether a condition is there and ``True``."""
    found = condition(conditions, kind)
    return found is not None and found.get("status") == "True"


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


def matches(selector: Json | None, labels: dict[str, str] | None) -> bool:
    """Whether labels satisfy a ``LabelSelector`` (``matchLabels`` and ``matchExpressions``)."""
    labels = labels or {}
    selector = selector or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for rule in selector.get("matchExpressions") or []:
        key, values = rule["key"], rule.get("values") or []
        holds = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }.get(rule["operator"], False)
        if not holds:
            return False
    return True


def quantity(value: str | int | float | None) -> Decimal:
    """A resource quantity (``100m``, ``64Mi``) as a number; 0 for none."""
    # The library's function has no annotations.
    return Decimal(parse_quantity(value)) if value is not None else Decimal(0)  # type: ignore[no-untyped-call]


def is_pod_ready(pod: Json) -> bool:
    """Whether a pod's Ready condition is true."""
    return is_true(pod.get("status", {}).get("conditions"), "Ready")


def is_pod_active(pod: Json) -> bool:
    """Whether a pod counts for its ReplicaSet: neither ended nor on its way out."""
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed") and not is_terminating(pod)


def is_terminating(obj: Json) -> bool:
    """Whether deletion of an object has begun."""
    return bool(obj["metadata"].get("deletionTimestamp"))
