"""What a Deployment reports: counts, and the conditions Available, Progressing and ReplicaFailure.

Reasons and messages are those of Kubernetes ``pkg/controller/deployment`` (v1.32): deployers wait for them.
"""

from local.kubernetes.api.clock import timestamp
from local.kubernetes.controllers.rollout import budget_of, is_complete, spec_replicas, status_count
from local.kubernetes.machinery.meta import condition, put_condition, seconds_since
from local.kubernetes.machinery.resources import Json

TIMED_OUT = "ProgressDeadlineExceeded"
_NO_DEADLINE = 2**31 - 1


def status_of(deployment: Json, new: Json, all_sets: list[Json], created: bool) -> Json:
    """Make the whole status of a Deployment.

    Parameters
    ----------
    deployment
        As it stands, old status included.
    new
        ReplicaSet of its present template.
    all_sets
        Every ReplicaSet it controls, ``new`` included.
    created
        Whether ``new`` was made just now.
    """
    old = deployment.get("status") or {}
    available = sum(status_count(replica_set, "availableReplicas") for replica_set in all_sets)
    wanted = sum(spec_replicas(replica_set) for replica_set in all_sets)
    status: Json = {
        "replicas": sum(status_count(replica_set, "replicas") for replica_set in all_sets),
        "updatedReplicas": status_count(new, "replicas"),
        "readyReplicas": sum(status_count(replica_set, "readyReplicas") for replica_set in all_sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
        "observedGeneration": deployment["metadata"].get("generation", 0),
    }
    conditions = [dict(entry) for entry in old.get("conditions") or [] if entry["type"] != "ReplicaFailure"]
    _put(conditions, _available_condition(deployment, available))
    progressing = _progressing_condition(deployment, new, all_sets, status, created)
    if progressing is not None:
        _put(conditions, progressing)
    failures = [condition(s.get("status", {}).get("conditions"), "ReplicaFailure") for s in all_sets]
    if failure := next((entry for entry in failures if entry), None):
        conditions.append(dict(failure))
    status["conditions"] = conditions
    return status


def seconds_to_deadline(deployment: Json, status: Json) -> float | None:
    """How long a rollout may stand still before it counts as failed; None when no deadline is running."""
    deadline = int(deployment["spec"].get("progressDeadlineSeconds") or 600)
    progressing = condition(status["conditions"], "Progressing")
    if deadline >= _NO_DEADLINE or progressing is None:
        return None
    if progressing["reason"] in ("NewReplicaSetAvailable", TIMED_OUT):
        return None
    return max(0.0, deadline - seconds_since(progressing["lastUpdateTime"])) + 1


def _put(conditions: list[Json], new: Json) -> None:
    """Set a condition; an equal one keeps its times, so that standing still can be measured."""
    old = condition(conditions, new["type"])
    fields = ("status", "reason", "message")
    touch = new.pop("touch", False)
    if old is not None and not touch and all(old.get(f) == new[f] for f in fields):
        return
    put_condition(conditions, {**new, "lastUpdateTime": timestamp()})


def _available_condition(deployment: Json, available: int) -> Json:
    enough = available >= spec_replicas(deployment) - budget_of(deployment).unavailable
    return {
        "type": "Available",
        "status": "True" if enough else "False",
        "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "message": f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    }


def _progressing_condition(
    deployment: Json, new: Json, all_sets: list[Json], status: Json, created: bool
) -> Json | None:
    """Return the condition to set; None to leave it as it is."""
    old_status = deployment.get("status") or {}
    old = condition(old_status.get("conditions"), "Progressing") or {}
    name = new["metadata"]["name"]
    label = f'ReplicaSet "{name}"'

    def says(value: str, reason: str, message: str, touch: bool = False) -> Json:
        return {"type": "Progressing", "status": value, "reason": reason, "message": message, "touch": touch}

    if created:
        return says("True", "NewReplicaSetCreated", f'Created new replica set "{name}"', touch=True)
    if is_complete(deployment, new, all_sets):
        return says("True", "NewReplicaSetAvailable", f"{label} has successfully progressed.")
    was_complete = old.get("reason") == "NewReplicaSetAvailable"
    if was_complete and _stays_complete(deployment, new, all_sets, label in old["message"]):
        return None
    if was_complete or _has_progressed(old_status, status):
        return says("True", "ReplicaSetUpdated", f"{label} is progressing.", touch=True)
    deadline = int(deployment["spec"].get("progressDeadlineSeconds") or 600)
    if old.get("reason") == TIMED_OUT or seconds_since(old.get("lastUpdateTime")) >= deadline:
        return says("False", TIMED_OUT, f"{label} has timed out progressing.")
    return None if old else says("True", "ReplicaSetUpdated", f"{label} is progressing.")


def _stays_complete(deployment: Json, new: Json, all_sets: list[Json], same: bool) -> bool:
    """Say whether a rollout stays complete: it does while pods come and go by themselves or by scaling."""
    old_sets = [entry for entry in all_sets if entry["metadata"]["uid"] != new["metadata"]["uid"]]
    runs_old = any(spec_replicas(entry) or status_count(entry, "replicas") for entry in old_sets)
    generation = (deployment.get("status") or {}).get("observedGeneration")
    return not runs_old and (same or generation == deployment["metadata"].get("generation"))


def _has_progressed(old: Json, new: Json) -> bool:
    def old_count(field: str) -> int:
        return int(old.get(field) or 0)

    old_pods_before = old_count("replicas") - old_count("updatedReplicas")
    return bool(
        new["updatedReplicas"] > old_count("updatedReplicas")
        or new["replicas"] - new["updatedReplicas"] < old_pods_before
        or new["readyReplicas"] > old_count("readyReplicas")
        or new["availableReplicas"] > old_count("availableReplicas")
    )
