"""Rules of the built-in kinds beyond their schema: the part of the real server's validation that people run into.

Source: `pkg/apis/*/validation` in kubernetes/kubernetes. Each rule gives field errors; the caller makes a 422 of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local.kubernetes.api import names
from local.kubernetes.api.errors import (
    FieldError,
    forbidden_field,
    invalid_value,
    required_value,
    unsupported_value,
)
from local.kubernetes.api.paths import at
from local.kubernetes.api.quantities import parse_quantity
from local.kubernetes.api.selectors import match_label_selector

Object = dict[str, Any]

_MAX_PORT = 65535
_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_NOT_NEGATIVE = "must be greater than or equal to 0"
_POSITIVE = "must be greater than 0"


def check_object(key: tuple[str, str], obj: Object) -> list[FieldError]:
    """List what is wrong with an object of a built-in kind, or with one whose definition has rules in CEL."""
    rule = _RULES.get(key)
    return rule(obj) if rule else []


def check_change(key: tuple[str, str], old: Object, new: Object) -> list[FieldError]:
    """Which fields of a built-in kind were changed though they must not be."""
    if key in (("", "secrets"), ("", "configmaps")) and old.get("immutable"):
        changed = [name for name in ("data", "binaryData", "immutable") if old.get(name) != new.get(name)]
        return [forbidden_field(name, "field is immutable when `immutable` is set") for name in changed]
    errors = []
    for path, why in _IMMUTABLE.get(key, ()):
        before, after = at(old, path), at(new, path)
        if before not in (None, after):
            errors.append(invalid_value(path, after, why))
    return errors


def _service(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors = []
    if spec.get("type") not in _SERVICE_TYPES:
        errors.append(unsupported_value("spec.type", spec.get("type"), _SERVICE_TYPES))
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None":
        errors.append(required_value("spec.ports"))
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        errors += _port(port.get("port"), f"{field}.port")
        if len(ports) > 1 and not port.get("name"):
            errors.append(required_value(f"{field}.name"))
        if port.get("protocol") not in _PROTOCOLS:
            errors.append(unsupported_value(f"{field}.protocol", port.get("protocol"), _PROTOCOLS))
        if isinstance(port.get("targetPort"), int):
            errors += _port(port["targetPort"], f"{field}.targetPort")
    errors += names.check_labels(spec.get("selector"), "spec.selector")
    return errors


def _port(value: Any, field: str) -> list[FieldError]:
    if isinstance(value, int) and 1 <= value <= _MAX_PORT:
        return []
    return [invalid_value(field, value, f"must be between 1 and {_MAX_PORT}, inclusive")]


def _pod(obj: Object) -> list[FieldError]:
    return _pod_spec(obj.get("spec") or {}, "spec")


def _pod_spec(spec: Object, field: str) -> list[FieldError]:
    errors = []
    if not spec.get("containers"):
        errors.append(required_value(f"{field}.containers"))
    seen: set[str] = set()
    for index, container in enumerate(spec.get("containers") or ()):
        where, name = f"{field}.containers[{index}]", container.get("name", "")
        errors += _container(container, name, where)
        if name in seen:
            errors.append(FieldError("FieldValueDuplicate", f"{where}.name", f'Duplicate value: "{name}"'))
        seen.add(name)
    return errors


def _container(container: Object, name: str, where: str) -> list[FieldError]:
    errors = []
    if why := names.dns_label(name):
        errors.append(invalid_value(f"{where}.name", name, why))
    if not container.get("image"):
        errors.append(required_value(f"{where}.image"))
    for number, port in enumerate(container.get("ports") or ()):
        errors += _port(port.get("containerPort"), f"{where}.ports[{number}].containerPort")
    return errors + _resources(container.get("resources") or {}, f"{where}.resources")


def _resources(resources: Object, field: str) -> list[FieldError]:
    """Check that requests and limits are not negative, and that no request exceeds its limit."""
    errors = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            if parse_quantity(amount) < 0:
                errors.append(invalid_value(f"{field}.{kind}.{name}", amount, _NOT_NEGATIVE))
    for name, amount in requests.items():
        if name in limits and parse_quantity(amount) > parse_quantity(limits[name]):
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            errors.append(invalid_value(f"{field}.requests", amount, why))
    return errors


def _workload(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors = []
    if spec.get("replicas", 0) < 0:
        errors.append(invalid_value("spec.replicas", spec["replicas"], _NOT_NEGATIVE))
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    errors += names.check_labels(labels, "spec.template.metadata.labels")
    selector = spec.get("selector")
    if not selector:
        errors.append(required_value("spec.selector"))
    elif not match_label_selector(selector, labels):
        field = "spec.template.metadata.labels"
        errors.append(invalid_value(field, labels or {}, "`selector` does not match template `labels`"))
    template_spec = template.get("spec") or {}
    errors += _pod_spec(template_spec, "spec.template.spec")
    if (policy := template_spec.get("restartPolicy")) not in (None, "Always"):
        errors.append(unsupported_value("spec.template.spec.restartPolicy", policy, ["Always"]))
    return errors + _counts(obj.get("status") or {})


def _counts(status: Object) -> list[FieldError]:
    """Check that a part of the replicas is no more than all of them, and that who serves is ready."""
    total = status.get("replicas", 0)
    errors = [
        invalid_value(f"status.{part}", count, "cannot be greater than status.replicas")
        for part in ("updatedReplicas", "readyReplicas", "availableReplicas")
        if (count := status.get(part, 0)) > total
    ]
    available = status.get("availableReplicas", 0)
    if available > status.get("readyReplicas", 0):
        errors.append(invalid_value("status.availableReplicas", available, "cannot be greater than readyReplicas"))
    return errors


def _autoscaler(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    minimum, maximum = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    errors = []
    if minimum < 1:
        errors.append(invalid_value("spec.minReplicas", minimum, "must be greater than or equal to 1"))
    if maximum == 0:
        errors.append(required_value("spec.maxReplicas", "must be set and greater than 0"))
    elif maximum < 0:
        errors.append(invalid_value("spec.maxReplicas", maximum, "must be greater than or equal to 1"))
    if maximum < minimum:
        errors.append(invalid_value("spec.maxReplicas", maximum, "must be greater than or equal to `minReplicas`"))
    target = spec.get("scaleTargetRef") or {}
    errors += [required_value(f"spec.scaleTargetRef.{name}") for name in ("kind", "name") if not target.get(name)]
    if "/" not in (version := target.get("apiVersion", "")):
        errors.append(invalid_value("spec.scaleTargetRef.apiVersion", version, "apiVersion must specify API group"))
    for index, metric in enumerate(spec.get("metrics") or ()):
        errors += _metric(metric, f"spec.metrics[{index}]")
    return errors


def _metric(metric: Object, field: str) -> list[FieldError]:
    kind = metric.get("type", "")
    source_name = kind[:1].lower() + kind[1:]
    if not isinstance(source := metric.get(source_name), dict):
        return [required_value(f"{field}.{source_name}", "must populate information for the given metric source")]
    target = source.get("target") or {}
    expected = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
    wanted = expected.get(target.get("type", ""))
    if wanted is None:
        return [unsupported_value(f"{field}.{source_name}.target.type", target.get("type"), sorted(expected))]
    if wanted not in target:
        return [required_value(f"{field}.{source_name}.target.{wanted}")]
    if wanted == "averageUtilization" and target[wanted] < 1:
        return [invalid_value(f"{field}.{source_name}.target.{wanted}", target[wanted], _POSITIVE)]
    return []


def _ingress(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    rules = spec.get("rules") or ()
    if not rules and not spec.get("defaultBackend"):
        why = "either `defaultBackend` or `rules` must be specified"
        return [invalid_value("spec", rules, why)]
    errors = []
    for index, rule in enumerate(rules):
        field = f"spec.rules[{index}]"
        errors += _ingress_host(rule.get("host") or "", f"{field}.host")
        for number, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            errors += _ingress_path(path, f"{field}.http.paths[{number}]")
    return errors


def _ingress_host(host: str, field: str) -> list[FieldError]:
    if not host:
        return []
    if re.fullmatch(r"[0-9.]+|.*:.*", host):
        return [invalid_value(field, host, "must be a DNS name, not an IP address")]
    why = names.dns_subdomain(host.removeprefix("*."))
    return [invalid_value(field, host, why)] if why else []


def _ingress_path(path: Object, field: str) -> list[FieldError]:
    errors = []
    kinds = ("Exact", "ImplementationSpecific", "Prefix")
    kind, value = path.get("pathType"), path.get("path") or ""
    if kind not in kinds:
        errors.append(unsupported_value(f"{field}.pathType", kind, kinds))
    elif kind != "ImplementationSpecific" and not value.startswith("/"):
        errors.append(invalid_value(f"{field}.path", value, "must be an absolute path"))
    service = (path.get("backend") or {}).get("service")
    if service is None:
        if not (path.get("backend") or {}).get("resource"):
            errors.append(required_value(f"{field}.backend", "resource or service backend is required"))
        return errors
    return errors + _ingress_port(service.get("port") or {}, f"{field}.backend")


def _ingress_port(port: Object, field: str) -> list[FieldError]:
    """Check a name or a number. Go's types do not tell an empty name or the number 0 from one that is absent."""
    number = port.get("number") or 0
    if port.get("name") and number:
        return [invalid_value(field, "", "cannot set both port name & port number")]
    if not (port.get("name") or number):
        return [required_value(field, "port name or number is required")]
    if number and not 1 <= number <= _MAX_PORT:
        return [invalid_value(f"{field}.service.port.number", number, f"must be between 1 and {_MAX_PORT}, inclusive")]
    return []


def _http_route(obj: Object) -> list[FieldError]:
    # What the rule in CEL of the definition asks for (`crds/`): here nothing evaluates CEL.
    return [
        invalid_value(f"spec.rules[{index}].backendRefs[{number}]", "object", "Must have port for Service reference")
        for index, rule in enumerate((obj.get("spec") or {}).get("rules") or ())
        for number, backend in enumerate(rule.get("backendRefs") or ())
        if backend.get("kind") == "Service" and not backend.get("group") and "port" not in backend
    ]


def _config(obj: Object) -> list[FieldError]:
    why = (
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', "
        " or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
    )
    return [
        invalid_value(f"{part}[{key}]", key, why)
        for part in ("data", "binaryData")
        for key in obj.get(part) or {}
        if not _CONFIG_KEY.fullmatch(key)
    ]


def _role_binding(obj: Object) -> list[FieldError]:
    reference = obj.get("roleRef") or {}
    errors = []
    if reference.get("kind") not in ("Role", "ClusterRole"):
        errors.append(unsupported_value("roleRef.kind", reference.get("kind"), ["ClusterRole", "Role"]))
    if not reference.get("name"):
        errors.append(required_value("roleRef.name"))
    for index, subject in enumerate(obj.get("subjects") or ()):
        kinds = ["Group", "ServiceAccount", "User"]
        if subject.get("kind") not in kinds:
            errors.append(unsupported_value(f"subjects[{index}].kind", subject.get("kind"), kinds))
        elif subject["kind"] == "ServiceAccount" and not subject.get("namespace"):
            errors.append(required_value(f"subjects[{index}].namespace"))
    return errors


def _definition(obj: Object) -> list[FieldError]:
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return [required_value("spec")]
    kind_names = spec.get("names") or {}
    errors = [required_value(f"spec.{name}") for name in ("group", "scope", "versions") if not spec.get(name)]
    errors += [required_value(f"spec.names.{name}") for name in ("plural", "kind") if not kind_names.get(name)]
    if spec.get("scope") not in (None, "Namespaced", "Cluster"):
        errors.append(unsupported_value("spec.scope", spec["scope"], ["Cluster", "Namespaced"]))
    expected = f"{kind_names.get('plural')}.{spec.get('group')}"
    if not errors and obj["metadata"]["name"] != expected:
        why = f'must be spec.names.plural+"."+spec.group, i.e. "{expected}"'
        errors.append(invalid_value("metadata.name", obj["metadata"]["name"], why))
    return errors


_RULES: dict[tuple[str, str], Callable[[Object], list[FieldError]]] = {
    ("", "services"): _service,
    ("", "pods"): _pod,
    ("", "configmaps"): _config,
    ("", "secrets"): _config,
    ("apps", "deployments"): _workload,
    ("apps", "replicasets"): _workload,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("networking.k8s.io", "ingresses"): _ingress,
    ("gateway.networking.k8s.io", "httproutes"): _http_route,
    ("rbac.authorization.k8s.io", "rolebindings"): _role_binding,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): _role_binding,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _definition,
}

_FIELD_IMMUTABLE = "field is immutable"
_IMMUTABLE: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("apps", "deployments"): (("spec.selector", _FIELD_IMMUTABLE),),
    ("apps", "replicasets"): (("spec.selector", _FIELD_IMMUTABLE),),
    ("", "services"): (("spec.clusterIP", _FIELD_IMMUTABLE),),
    ("", "secrets"): (("type", _FIELD_IMMUTABLE),),
    ("node.k8s.io", "runtimeclasses"): (("handler", _FIELD_IMMUTABLE),),
    ("rbac.authorization.k8s.io", "rolebindings"): (("roleRef", "cannot change roleRef"),),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): (("roleRef", "cannot change roleRef"),),
}
