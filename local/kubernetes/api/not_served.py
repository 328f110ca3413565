"""What the API can say and the one-machine cluster does not do: refused, where doing otherwise would go unnoticed.

A real cluster does all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from local.kubernetes.api.errors import FieldError, forbidden_field

Object = dict[str, Any]

_REASON = "not served by the one-machine cluster"
_SECRET = "secretKeyRef"  # noqa: S105 - a field
_EVERY_PATH = [{"path": {"type": "PathPrefix", "value": "/"}}]
_ROLLOUT = {"maxSurge": "25%", "maxUnavailable": "25%"}


def check_served(key: tuple[str, str], obj: Object, old: Object | None = None) -> list[FieldError]:
    """List the fields of an object that ask for what is not there.

    Those that an ``old`` state has are let be: an earlier version of this server may have taken and kept it.
    """
    find = _FIELDS.get(key)
    if find is None:
        return []
    kept = set(find(old.get("spec") or {})) if old is not None else set()
    return [forbidden_field(field, _REASON) for field in find(obj.get("spec") or {}) if field not in kept]


def _set(spec: Object, where: str, *names: str) -> Iterator[str]:
    return (f"{where}.{name}" for name in names if spec.get(name))


def _spin_app(spec: Object) -> Iterator[str]:
    yield from _set(spec, "spec", "components", "invocationLimits", "volumes", "volumeMounts")
    config = spec.get("runtimeConfig") or {}
    yield from _set(config, "spec.runtimeConfig", "keyValueStores", "llmCompute", "sqliteDatabases")
    yield from _variables(spec.get("variables"), "spec.variables")


def _executor(spec: Object) -> Iterator[str]:
    config = spec.get("deploymentConfig") or {}
    yield from _set(config, "spec.deploymentConfig", "spinImage")
    # What is made of spans is counted by the front (`local.front.function_metrics`).
    unsent = ("exporter_otlp_metrics_endpoint", "exporter_otlp_logs_endpoint")
    yield from _set(config.get("otel") or {}, "spec.deploymentConfig.otel", *unsent)


def _variables(variables: list[Object] | None, where: str) -> Iterator[str]:
    for index, variable in enumerate(variables or ()):
        for source, reference in (variable.get("valueFrom") or {}).items():
            if source != _SECRET and reference is not None:
                yield f"{where}[{index}].valueFrom.{source}"


def _pod(spec: Object, where: str = "spec") -> Iterator[str]:
    if spec.get("restartPolicy", "Always") != "Always":
        yield f"{where}.restartPolicy"
    yield from _set(spec, where, "initContainers", "hostNetwork", "affinity", "topologySpreadConstraints")
    for index, volume in enumerate(spec.get("volumes") or ()):
        if "secret" not in volume:
            yield f"{where}.volumes[{index}]"
    for index, container in enumerate(spec.get("containers") or ()):
        field = f"{where}.containers[{index}]"
        yield from _set(container, field, "args", "envFrom", "lifecycle", "startupProbe")
        yield from _variables(container.get("env"), f"{field}.env")
        if container.get("imagePullPolicy") == "Never":
            yield f"{field}.imagePullPolicy"
        for probe in ("livenessProbe", "readinessProbe"):
            if "httpGet" not in container.get(probe, {"httpGet": {}}):
                yield f"{field}.{probe}"


def _workload(spec: Object) -> Iterator[str]:
    yield from _set(spec, "spec", "minReadySeconds", "paused")
    strategy = spec.get("strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate" or strategy.get("rollingUpdate", _ROLLOUT) != _ROLLOUT:
        yield "spec.strategy"
    yield from _pod((spec.get("template") or {}).get("spec") or {}, "spec.template.spec")


def _service(spec: Object) -> Iterator[str]:
    if spec.get("type") in ("ExternalName", "LoadBalancer", "NodePort"):
        yield "spec.type"
    yield from _set(spec, "spec", "externalIPs", "publishNotReadyAddresses")


def _autoscaler(spec: Object) -> Iterator[str]:
    yield from _set(spec, "spec", "behavior")
    for index, metric in enumerate(spec.get("metrics") or ()):
        target = (metric.get("resource") or {}).get("target") or {}
        if metric.get("type") != "Resource" or target.get("type") not in (None, "Utilization"):
            yield f"spec.metrics[{index}]"


def _ingress(spec: Object) -> Iterator[str]:
    """Yield what asks for more than a whole host for one Service, over http."""
    yield from _set(spec, "spec", "defaultBackend", "tls")
    for index, rule in enumerate(spec.get("rules") or []):
        paths = (rule.get("http") or {}).get("paths") or []
        whole = [(path.get("path"), path.get("pathType")) for path in paths] == [("/", "Prefix")]
        if not whole or "*" in rule.get("host", "*") or "service" not in paths[0].get("backend", {}):
            yield f"spec.rules[{index}]"


def _http_route(spec: Object) -> Iterator[str]:
    """Yield what asks for more than whole hosts for one Service of the route's own namespace."""
    for index, host in enumerate(spec.get("hostnames") or ("*",)):
        if "*" in host:
            yield f"spec.hostnames[{index}]"
    rules = spec.get("rules") or []
    if len(rules) != 1:
        yield "spec.rules"
        return
    yield from _set(rules[0], "spec.rules[0]", "filters", "timeouts")
    if rules[0].get("matches", _EVERY_PATH) != _EVERY_PATH:
        yield "spec.rules[0].matches"
    backends = rules[0].get("backendRefs") or []
    if len(backends) != 1 or backends[0].get("kind", "Service") != "Service" or "namespace" in backends[0]:
        yield "spec.rules[0].backendRefs"


_FIELDS: dict[tuple[str, str], Callable[[Object], Iterator[str]]] = {
    ("", "pods"): _pod,
    ("", "services"): _service,
    ("apps", "deployments"): _workload,
    ("apps", "replicasets"): _workload,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("networking.k8s.io", "ingresses"): _ingress,
    ("gateway.networking.k8s.io", "httproutes"): _http_route,
    ("core.spinkube.dev", "spinapps"): _spin_app,
    ("core.spinkube.dev", "spinappexecutors"): _executor,
}
