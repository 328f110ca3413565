"""What admission does to a new pod: defaults of LimitRanges, its RuntimeClass's scheduling, a look for its account.

Source: kubernetes/kubernetes `plugin/pkg/admission/{limitranger,runtimeclass,serviceaccount}`. Priorities, tokens and
image pull secrets of ServiceAccounts, and a LimitRange's bounds (``min``, ``max``) are left out.
"""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.store import Key, Store

Object = dict[str, Any]


def admit_pod(pod: Object, store: Store) -> None:
    """Complete a new pod in place. Raises ApiError 403 when its RuntimeClass or ServiceAccount is not there."""
    _limit_ranges(pod, store)
    _runtime_class(pod, store)
    _service_account(pod, store)


def _limit_ranges(pod: Object, store: Store) -> None:
    """Limits and requests that containers leave out, from every LimitRange of the namespace."""
    for _, limit_range in store.select(("", "limitranges"), pod["metadata"]["namespace"]):
        for item in limit_range["spec"]["limits"]:
            if item["type"] != "Container":
                continue
            limits = item.get("default") or {}
            requests = {**limits, **(item.get("defaultRequest") or {})}
            for container in pod["spec"].get("containers") or ():
                resources: Object = container.setdefault("resources", {})
                resources["limits"] = {**limits, **(resources.get("limits") or {})}
                resources["requests"] = {**requests, **(resources.get("requests") or {})}


def _runtime_class(pod: Object, store: Store) -> None:
    spec = pod["spec"]
    name = spec.get("runtimeClassName")
    if not name:
        return
    found = store.get(Key("node.k8s.io", "runtimeclasses", "", name))
    if found is None:
        raise _rejected(pod, f'pod rejected: RuntimeClass "{name}" not found')
    if overhead := (found.get("overhead") or {}).get("podFixed"):
        spec["overhead"] = overhead
    scheduling = found.get("scheduling") or {}
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        own = spec.setdefault("nodeSelector", {}).setdefault(key, value)
        if own != value:
            raise _rejected(
                pod,
                f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                f"pod.spec.nodeSelector[{key}] = {own}",
            )
    for toleration in scheduling.get("tolerations") or []:
        if toleration not in spec.setdefault("tolerations", []):
            spec["tolerations"].append(toleration)


def _service_account(pod: Object, store: Store) -> None:
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    name = spec["serviceAccountName"]
    account = store.get(Key("", "serviceaccounts", namespace, name))
    if account is None:
        raise _rejected(pod, f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found')


def _rejected(pod: Object, why: str) -> ApiError:
    name = pod["metadata"].get("name", "")
    details = {"name": name, "kind": "pods"}
    return ApiError(403, "Forbidden", f'pods "{name}" is forbidden: {why}', details)
