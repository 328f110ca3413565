"""The arithmetic of a rolling update: how many pods may be added or taken away now. Pure functions, no API.

Rules and rounding as in Kubernetes ``pkg/controller/deployment/util`` (v1.32): surge rounds up, unavailable rounds
down.
"""

import math
from dataclasses import dataclass
from hashlib import sha256
from json import dumps

from local.kubernetes.machinery.resources import Json

HASH_LABEL = "pod-template-hash"
_HASH_LENGTH = 10
# Kubernetes' own alphabet for names: no vowels and no look-alikes, so that no word appears by accident.
_SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Budget:
    """What a rollout may do: pods above and below the desired number."""

    surge: int
    unavailable: int


def budget_of(deployment: Json) -> Budget:
    """Return the rollout budget of a Deployment: 25 % each way, the default, which is the only one served."""
    replicas = spec_replicas(deployment)
    return Budget(surge=math.ceil(replicas / 4), unavailable=replicas // 4)


def spec_replicas(obj: Json) -> int:
    """``spec.replicas``, 1 when absent."""
    value = obj["spec"].get("replicas")
    return 1 if value is None else int(value)


def status_count(obj: Json, field: str) -> int:
    """Read a count of ``status``, 0 when absent (zero counts are left out on the wire)."""
    return int(obj.get("status", {}).get(field) or 0)


def total(replica_sets: list[Json]) -> int:
    """Pods asked for by several ReplicaSets."""
    return sum(spec_replicas(replica_set) for replica_set in replica_sets)


def template_hash(template: Json) -> str:
    """Hash a template for the label ``pod-template-hash``: the same template gives the same hash."""
    number = int.from_bytes(sha256(dumps(template, sort_keys=True).encode()).digest()[:8])
    digits = []
    for _ in range(_HASH_LENGTH):
        number, digit = divmod(number, len(_SAFE_ALPHABET))
        digits.append(_SAFE_ALPHABET[digit])
    return "".join(digits)


def same_template(replica_set: Json, deployment: Json) -> bool:
    """Whether a ReplicaSet runs the Deployment's present template (the hash label aside)."""
    return _without_hash(replica_set["spec"]["template"]) == _without_hash(deployment["spec"]["template"])


def _without_hash(template: Json) -> Json:
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    # `creationTimestamp: null` is an artefact of how some clients serialise an empty metadata.
    return {**template, "metadata": {key: value for key, value in metadata.items() if value}}


def new_set_size(deployment: Json, new: Json | None, all_sets: list[Json]) -> int:
    """How large the ReplicaSet of the present template may be now."""
    replicas = spec_replicas(deployment)
    current = spec_replicas(new) if new is not None else 0
    room = replicas + budget_of(deployment).surge - total(all_sets)
    return min(replicas, current + max(0, room))


def old_set_sizes(deployment: Json, new: Json, old: list[Json]) -> dict[str, int]:
    """Return new sizes (by name) of the old ReplicaSets that may shrink now, oldest first.

    Pods that never became available go first and do not count against availability.
    """
    active = [replica_set for replica_set in old if spec_replicas(replica_set) > 0]
    replicas = spec_replicas(deployment)
    least_available = replicas - budget_of(deployment).unavailable
    new_unavailable = spec_replicas(new) - status_count(new, "availableReplicas")
    room = total([*active, new]) - least_available - new_unavailable
    sizes = {replica_set["metadata"]["name"]: spec_replicas(replica_set) for replica_set in active}
    before = dict(sizes)
    if room <= 0:
        return {}
    for replica_set in active:
        name = replica_set["metadata"]["name"]
        unhealthy = sizes[name] - min(status_count(replica_set, "availableReplicas"), sizes[name])
        taken = min(unhealthy, room)
        sizes[name] -= taken
        room -= taken
    available = sum(status_count(replica_set, "availableReplicas") for replica_set in [*active, new])
    healthy_room = available - least_available
    for replica_set in active:
        if healthy_room <= 0:
            break
        name = replica_set["metadata"]["name"]
        taken = min(sizes[name], healthy_room)
        sizes[name] -= taken
        healthy_room -= taken
    return {name: size for name, size in sizes.items() if size != before[name]}


def is_complete(deployment: Json, new: Json, all_sets: list[Json]) -> bool:
    """Whether every pod runs the present template, is available, and no older pod is left."""
    replicas = spec_replicas(deployment)
    return (
        status_count(new, "replicas") == replicas
        and sum(status_count(replica_set, "replicas") for replica_set in all_sets) == replicas
        and status_count(new, "availableReplicas") == replicas
    )
