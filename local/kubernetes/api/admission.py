"""Admission of SpinApps: what spin-operator's webhooks change and refuse, in their words.

Source: spin-operator v0.6, `internal/webhook/spinapp_defaulting.go` and `spinapp_validating.go`.
"""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.errors import FieldError, invalid, invalid_value
from local.kubernetes.api.quantities import parse_quantity
from local.kubernetes.api.store import Key, Store

Object = dict[str, Any]

GROUP = "core.spinkube.dev"
SPINAPP_KEY = (GROUP, "spinapps")
EXECUTOR_KEY = (GROUP, "spinappexecutors")
_DENIED = 'admission webhook "vspinapp.kb.io" denied the request: '


def mutate(key: tuple[str, str], obj: Object, store: Store) -> None:
    """Name the default executor in a SpinApp that names none, in place.

    The operator takes the alphabetically first executor of all namespaces, so the result may well be refused by
    `admit`: name the executor.
    """
    if key != SPINAPP_KEY or not isinstance(spec := obj.get("spec"), dict) or spec.get("executor"):
        return
    executors = sorted(item_key.name for item_key, _ in store.select(EXECUTOR_KEY))
    spec["executor"] = executors[0] if executors else ""


def admit(key: tuple[str, str], obj: Object, store: Store) -> None:
    """Raises ApiError 422 when the validating webhook would refuse the object."""
    if key != SPINAPP_KEY:
        return
    spec, metadata = obj["spec"], obj["metadata"]
    executor = store.get(Key(*EXECUTOR_KEY, metadata["namespace"], spec["executor"]))
    errors = [*_executor(spec, executor), *_replicas(spec), *_annotations(spec, executor), *_invocation_limits(spec)]
    if errors:
        raise invalid("SpinApp", GROUP, metadata["name"], errors, prefix=_DENIED)


def _executor(spec: Object, executor: Object | None) -> list[FieldError]:
    if not spec["executor"]:
        why = "executor must be set, likely no default executor was set because you have no executors installed"
        return [invalid_value("spec.executor", "", why)]
    if executor is None:
        return [invalid_value("spec.executor", spec["executor"], "executor does not exist in namespace")]
    return []


def _replicas(spec: Object) -> list[FieldError]:
    replicas = spec.get("replicas", 0)
    if spec.get("enableAutoscaling") and replicas != 0:
        return [invalid_value("spec.replicas", replicas, "replicas cannot be set when autoscaling is enabled")]
    if not spec.get("enableAutoscaling") and replicas < 1:
        return [invalid_value("spec.replicas", replicas, "replicas must be > 0")]
    return []


def _annotations(spec: Object, executor: Object | None) -> list[FieldError]:
    if executor is None or executor["spec"]["createDeployment"]:
        return []
    for field in ("deploymentAnnotations", "podAnnotations"):
        if spec.get(field):
            why = f"{field} can't be set when the executor does not use operator deployments"
            return [invalid_value(f"spec.{field}", spec[field], why)]
    return []


def _invocation_limits(spec: Object) -> list[FieldError]:
    memory = (spec.get("invocationLimits") or {}).get("memory")
    if memory is None:
        return []
    field = "spec.invocationLimits[memory]"
    try:
        asked = parse_quantity(memory)
    except ValueError:
        why = "memory limit must be a valid memory quantity (e.g. 128Mi, 1Gi)"
        return [invalid_value(field, memory, why)]
    resources = spec.get("resources") or {}
    for kind in ("limit", "request"):  # the request counts only when there is no limit
        bound = (resources.get(f"{kind}s") or {}).get("memory")
        if bound is not None:
            if asked > parse_quantity(bound):
                why = f"invocation limit quantity cannot be greater than the memory {kind} ({bound})"
                return [invalid_value(field, memory, why)]
            return []
    return []
