"""Admission of SpinApps and their executors: what spin-operator's webhooks change and refuse, in their words.

Source: spin-operator v0.6.1, `internal/webhook`. Its rule for ``invocationLimits`` is left out, as they are not served.
"""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.errors import ApiError, FieldError, invalid, invalid_value
from local.kubernetes.api.go_types import GoDecodingError, overlay, round_trip
from local.kubernetes.api.store import Key, Store

Object = dict[str, Any]

GROUP = "core.spinkube.dev"
SPINAPP_KEY = (GROUP, "spinapps")
EXECUTOR_KEY = (GROUP, "spinappexecutors")
_KINDS = {SPINAPP_KEY: "SpinApp", EXECUTOR_KEY: "SpinAppExecutor"}
_DENIED = 'admission webhook "{}.kb.io" denied the request: '


def mutate(key: tuple[str, str], obj: Object, store: Store) -> None:
    """Send a SpinApp or an executor through Go's types, and name the default executor where none is named, in place.

    The operator takes the alphabetically first executor of all namespaces, so the result may well be refused by
    `admit`: name the executor. Raises ApiError 400 for a value that does not fit its Go type.
    """
    kind = _KINDS.get(key)
    if kind is None:
        return
    try:
        obj["spec"] = overlay(obj.get("spec"), round_trip(kind, "spec", obj.get("spec")))
    except GoDecodingError as error:
        # The webhook gives no reason, and the API server hands on what it says.
        raise ApiError(400, "", _DENIED.format(f"m{kind.lower()}") + str(error)) from error
    if key == SPINAPP_KEY and not obj["spec"]["executor"]:
        executors = sorted(item_key.name for item_key, _ in store.select(EXECUTOR_KEY))
        obj["spec"]["executor"] = executors[0] if executors else ""


def admit(key: tuple[str, str], obj: Object, store: Store) -> None:
    """Raise ApiError 422 when the validating webhook would refuse the object."""
    kind = _KINDS.get(key)
    if kind is None:
        return
    spec, metadata = obj["spec"], obj["metadata"]
    if key == EXECUTOR_KEY:
        errors = _runtime(spec)
    else:
        executor = store.get(Key(*EXECUTOR_KEY, metadata["namespace"], spec["executor"]))
        found = (_executor(spec, executor), _replicas(spec), _annotations(spec, executor))
        errors = [error for errors in found for error in errors]
    if errors:
        raise invalid(kind, GROUP, metadata["name"], errors, prefix=_DENIED.format(f"v{kind.lower()}"))


def _runtime(spec: Object) -> list[FieldError]:
    config = spec.get("deploymentConfig")
    if config is None:
        return []
    runtime_class, image = config.get("runtimeClassName"), config.get("spinImage")
    field = "spec.deploymentConfig.runtimeClassName"
    if runtime_class is not None and image is not None:
        return [invalid_value(field, runtime_class, "runtimeClassName and spinImage are mutually exclusive")]
    if runtime_class is None and image is None:
        return [invalid_value(field, None, "either runtimeClassName or spinImage must be set")]
    return []


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
