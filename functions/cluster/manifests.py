"""The objects of a new app: its SpinApp and its HorizontalPodAutoscaler.

Field names are those of the SpinApp CRD (core.spinkube.dev/v1alpha1) and of autoscaling/v2. The API server drops an
unknown field silently.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from functions.cluster import history
from functions.cluster.bounds import Bounds
from functions.cluster.images import Image
from functions.cluster.names import Object, ObjectName
from functions.cluster.ownership import WORKSPACE
from functions.cluster.resources import AUTOSCALERS, DEPLOYMENTS, SPIN_APPS
from functions.cluster.settings import DeploySettings
from functions.models.deploy import DeployRequest, SecretKey, VariableText
from functions.models.quantity import amount, same_amount

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "blue-faas"
REQUEST_ID: Final = "blue-faas/request-id"
"""Annotation with the id of the request that wrote the object last. After a lost answer it tells our own write from
another request's."""

_HEALTH_PATH: Final = "/.well-known/spin/health"
# `httpHeaders` must be present: the operator's mutating webhook writes null for a missing list, and the API server
# refuses the null (spin-operator v0.6.1, api/v1alpha1/spinapp_types.go: the field has no omitempty).
_HEALTH: Final = {"path": _HEALTH_PATH, "httpHeaders": []}
# Spin answers the health path itself once all components are loaded, so readiness is what keeps a rolling update from
# sending requests to a pod that cannot serve yet. The CRD's delays (10 s, every 10 s) would make every rollout wait.
_READINESS: Final = {"httpGet": _HEALTH, "initialDelaySeconds": 1, "periodSeconds": 2, "timeoutSeconds": 2}
# Liveness may be slow: it is only for a server that hangs, and a restart under load makes things worse.
_LIVENESS: Final = {"httpGet": _HEALTH, "initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 5}


def spin_app(
    request: DeployRequest,
    image: Image,
    name: str,
    settings: DeploySettings,
    request_id: str,
    by: str,
    workspace_id: str | None,
) -> Object:
    """Return a new SpinApp: the request's values, and the platform's defaults for the fields that it leaves out."""
    spec: Object = {
        "executor": executor(settings, use_spot=request.use_spot),
        "image": image.run,
        "enableAutoscaling": request.enable_autoscaling,
        "checks": {"readiness": dict(_READINESS), "liveness": dict(_LIVENESS)},
        "resources": resources(request, {}, settings, defaults=True),
    }
    if not request.enable_autoscaling:
        # The webhook refuses `replicas` beside autoscaling and demands it without.
        spec["replicas"] = request.replicas or settings.kubernetes_default_replicas
    spec.update(named_parts(request, {}, ()))
    scaling = {**settings.default_bounds(), **Bounds.of(request).named()} if request.enable_autoscaling else {}
    annotations = {
        REQUEST_ID: request_id,
        history.ANNOTATION: history.first(
            spec, history.Entry(image.asked, by, host=request.expose.host if request.expose else None), scaling
        ),
    }
    return {
        "apiVersion": SPIN_APPS.api_version,
        "kind": SPIN_APPS.kind,
        "metadata": {
            "name": name,
            "namespace": request.namespace,
            "labels": {MANAGED_BY: MANAGER, **({WORKSPACE: workspace_id} if workspace_id else {})},
            "annotations": annotations,
        },
        "spec": spec,
    }


def acceptable_checks(now: Object) -> Object:
    """Return the merge patch of ``checks`` that adds missing lists of headers; empty if none is missing.

    Without it, the API server refuses every change of an app that was created while the operator's webhook was off (see
    `_HEALTH`).
    """
    lacking = [
        name
        for name, check in (now.get("checks") or {}).items()
        if (http := (check or {}).get("httpGet")) and http.get("httpHeaders") is None
    ]
    return {name: {"httpGet": {"httpHeaders": []}} for name in lacking}


def named_parts(request: DeployRequest, now: Object, own_secrets: Collection[str]) -> Object:
    """Return the parts of a SpinApp's spec that exist only if a request names them. Lists are complete.

    ``now`` is the current spec; ``own_secrets`` are the pull secrets that earlier deploys have set.
    """
    parts: Object = {}
    if request.function_id:
        parts["podLabels"] = {"function_id": request.function_id}
    if request.service_account:
        parts["serviceAccountName"] = request.service_account
    if request.image_pull_secret:
        others = [item for item in now.get("imagePullSecrets") or [] if item.get("name") not in own_secrets]
        named = {"name": request.image_pull_secret}
        parts["imagePullSecrets"] = [*(item for item in others if item != named), named]
    if request.runtime_config:
        parts["runtimeConfig"] = {"loadFromSecret": request.runtime_config}
    if request.variables:
        parts["variables"] = _variables(request.variables, now.get("variables") or [])
    return parts


def executor(settings: DeploySettings, *, use_spot: bool) -> str:
    """Return the name of the SpinAppExecutor.

    A SpinApp has no node selector or tolerations of its own: the executor's RuntimeClass is the one place that decides
    on which nodes its pods run.
    """
    return settings.kubernetes_executor_spot if use_spot else settings.kubernetes_executor_on_demand


def resources(request: DeployRequest, now: Object, settings: DeploySettings, *, defaults: bool) -> Object:
    """Return the limits and requests to change, given the current ones (``now``); empty if nothing changes.

    ``defaults`` fills in missing requests: an autoscaler measures CPU use against the CPU request and does nothing
    without one. A default never exceeds the limit: Kubernetes would refuse the pods, long after the deploy was
    answered.

    Raises
    ------
    ValueError
        A request would exceed its limit.
    """
    changed: Object = {}
    limits_now, requests_now = now.get("limits") or {}, now.get("requests") or {}
    for kind, limit, wanted, default in (
        ("cpu", request.cpu_limit, request.cpu_request, settings.kubernetes_default_cpu_request),
        ("memory", request.memory_limit, request.memory_request, settings.kubernetes_default_memory_request),
    ):
        limit_then = limit or _text(limits_now.get(kind))
        request_now = _text(requests_now.get(kind))
        if wanted is None:
            wanted = _request_by_default(request_now, limit_then, default, fill_in=defaults)
        if limit:
            changed.setdefault("limits", {})[kind] = limit
        if wanted and not same_amount(wanted, request_now):
            changed.setdefault("requests", {})[kind] = wanted
        if limit or wanted:
            _check_request(kind, wanted or request_now, limit_then)
    return changed


def _request_by_default(now: str | None, limit: str | None, default: str, *, fill_in: bool) -> str | None:
    """Return the default, or the limit if that is lower, for a request that is missing or equal to the default."""
    if not same_amount(now, default) and not (now is None and fill_in):
        return None
    return limit if limit and amount(limit) < amount(default) else default


def _check_request(kind: str, request: str | None, limit: str | None) -> None:
    if request and limit and amount(request) > amount(limit):
        raise ValueError(f"{kind}_request {request} exceeds {kind}_limit {limit}: send both in one request")


def check_requests(resources: Object) -> None:
    """Raise `ValueError` if a request exceeds its limit: Kubernetes would refuse the pods."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, request in requests.items():
        if kind in limits and amount(str(request)) > amount(str(limits[kind])):
            raise ValueError(f"{kind} request {request} exceeds {kind} limit {limits[kind]}, which others have set")


def autoscaler(name: ObjectName, owner: Object | None, least: int, most: int, target_cpu: int) -> Object:
    """Return a new HorizontalPodAutoscaler for the Deployment that the operator creates under the app's name.

    ``owner`` is the SpinApp as the server has it; Kubernetes deletes the autoscaler with its owner. It is None only if
    the app does not exist yet and the autoscaler is rehearsed.
    """
    metadata: Object = {"name": name.name, "namespace": name.namespace, "labels": {MANAGED_BY: MANAGER}}
    if owner is not None:
        metadata["ownerReferences"] = [owner_reference(owner)]
    return {
        "apiVersion": AUTOSCALERS.api_version,
        "kind": AUTOSCALERS.kind,
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": scale_target(name.name),
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [cpu_metric(target_cpu)],
        },
    }


def owner_reference(app: Object) -> Object:
    """Return a controller reference to ``app``.

    Without ``blockOwnerDeletion``: setting it may require the right to update the SpinApp's finalizers, and nothing
    needs the app to outlive its autoscaler.
    """
    return {
        "apiVersion": SPIN_APPS.api_version,
        "kind": SPIN_APPS.kind,
        "name": app["metadata"]["name"],
        "uid": app["metadata"]["uid"],
        "controller": True,
    }


def scale_target(name: str) -> Object:
    """Return the reference to the Deployment that an app's autoscaler scales."""
    return {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind, "name": name}


def cpu_metric(target: int) -> Object:
    """Return the metric for the average CPU use, with a target in percent of the CPU request."""
    return {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
    }


def is_managed(app: Object) -> bool:
    """Return whether this service created the SpinApp."""
    labels = app["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == MANAGER)


def _variables(wanted: Mapping[str, VariableText | SecretKey | None], now: list[Object]) -> list[Object]:
    """Return the complete list: the named variables set or removed, the others unchanged."""
    kept = [variable for variable in now if variable["name"] not in wanted]
    return kept + [_variable(name, value) for name, value in wanted.items() if value is not None]


def _variable(name: str, value: VariableText | SecretKey) -> Object:
    if isinstance(value, SecretKey):
        return {"name": name, "valueFrom": {"secretKeyRef": {"name": value.secret, "key": value.key}}}
    return {"name": name, "value": value}


def _text(quantity: Any) -> str | None:
    """Return a quantity that was read from the cluster as text: ``cpu: 1`` is a number in JSON."""
    return None if quantity is None else str(quantity)
