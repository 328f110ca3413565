"""The kinds that the server knows: the built-in table, and what CustomResourceDefinitions add while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from local.kubernetes.api import names
from local.kubernetes.api.schemas import Schema, resolve


@dataclass(frozen=True)
class Resource:
    """One kind as the API serves it."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    singular: str = ""
    categories: tuple[str, ...] = ()
    has_status: bool = False
    """Whether status is a subresource: then the main endpoint ignores `status` and the other way round."""
    schema: Schema | None = field(default=None, repr=False)
    """Structural schema; `None` keeps whatever the client sends."""
    columns: tuple[dict[str, Any], ...] = ()
    """`additionalPrinterColumns` of a custom resource."""
    custom: bool = False
    has_generation: bool = False
    """Whether ``metadata.generation`` counts the changes of the object's content."""
    fields: tuple[str, ...] = ()
    """Fields by which a list can be selected, beside name and namespace."""
    name_rule: names.NameRule = field(default=names.dns_subdomain, repr=False)

    @cached_property
    def full_schema(self) -> Schema:
        """The schema with what every object has: apiVersion, kind and the real type of metadata."""
        own = resolve(self.schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        envelope = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"$ref": "V1ObjectMeta"}}
        return own | {"properties": own.get("properties", {}) | envelope}

    @property
    def selectable(self) -> tuple[str, ...]:
        """Every field by which a list can be selected."""
        return ("metadata.name", *(["metadata.namespace"] if self.namespaced else []), *self.fields)

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """``deployments.apps``: how error messages name the resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def key(self) -> tuple[str, str]:
        """Group and plural: objects are stored once, whatever version they are asked for in."""
        return self.group, self.plural


def _builtin(group: str, version: str, plural: str, kind: str, short: str = "", **more: Any) -> Resource:
    schema = {"$ref": f"{version.upper()}{kind}"}
    defaults: dict[str, Any] = {"namespaced": True, "singular": kind.lower(), "schema": schema}
    return Resource(group, version, plural, kind, short_names=tuple(short.split()), **(defaults | more))


_RBAC: dict[str, Any] = {"name_rule": names.path_segment}
_ALL: dict[str, Any] = {"categories": ("all",), "has_status": True}
_COUNTED: dict[str, Any] = {"has_generation": True}
# Those that kubectl and the deploy function select by, of `pkg/apis/core/v1/conversion.go`
_POD_FIELDS = ("spec.nodeName", "status.phase")
_EVENT_FIELDS = (
    *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "fieldPath")),
    *("reason", "type"),
)

CRD_KEY = ("apiextensions.k8s.io", "customresourcedefinitions")
NAMESPACE_KEY = ("", "namespaces")
POD_KEY = ("", "pods")

BUILTIN_RESOURCES: tuple[Resource, ...] = (
    _builtin(
        *("", "v1", "namespaces", "Namespace", "ns"),
        namespaced=False,
        has_status=True,
        name_rule=names.dns_label,
        fields=("status.phase",),
    ),
    _builtin("", "v1", "nodes", "Node", "no", namespaced=False, has_status=True, fields=("spec.unschedulable",)),
    _builtin(
        "",
        "v1",
        "services",
        "Service",
        "svc",
        name_rule=names.dns_label,
        fields=("spec.clusterIP", "spec.type"),
        **_ALL,
    ),
    _builtin("", "v1", "secrets", "Secret", fields=("type",)),
    _builtin("", "v1", "configmaps", "ConfigMap", "cm"),
    _builtin("", "v1", "pods", "Pod", "po", fields=_POD_FIELDS, **_ALL, **_COUNTED),
    _builtin("", "v1", "events", "Event", "ev", fields=_EVENT_FIELDS),
    _builtin("", "v1", "serviceaccounts", "ServiceAccount", "sa"),
    _builtin("", "v1", "resourcequotas", "ResourceQuota", "quota", has_status=True),
    _builtin("", "v1", "limitranges", "LimitRange", "limits"),
    _builtin("apps", "v1", "deployments", "Deployment", "deploy", **_ALL, **_COUNTED),
    _builtin("apps", "v1", "replicasets", "ReplicaSet", "rs", **_ALL, **_COUNTED),
    _builtin("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", **_ALL),
    _builtin("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", namespaced=False),
    _builtin("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol", **_COUNTED),
    _builtin("networking.k8s.io", "v1", "ingresses", "Ingress", "ing", has_status=True, **_COUNTED),
    _builtin("rbac.authorization.k8s.io", "v1", "roles", "Role", **_RBAC),
    _builtin("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", **_RBAC),
    _builtin("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False, **_RBAC),
    _builtin("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False, **_RBAC),
    Resource(
        *(CRD_KEY[0], "v1", CRD_KEY[1], "CustomResourceDefinition", False),
        short_names=("crd", "crds"),
        singular="customresourcedefinition",
        has_status=True,
        has_generation=True,
    ),
)


def custom_resources(definition: dict[str, Any]) -> Iterator[Resource]:
    """Yield the served versions of a CustomResourceDefinition."""
    spec = definition["spec"]
    kind_names = spec["names"]
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        subresources = version.get("subresources") or {}
        yield Resource(
            group=spec["group"],
            version=version["name"],
            plural=kind_names["plural"],
            kind=kind_names["kind"],
            namespaced=spec["scope"] == "Namespaced",
            short_names=tuple(kind_names.get("shortNames") or ()),
            singular=kind_names.get("singular") or kind_names["kind"].lower(),
            categories=tuple(kind_names.get("categories") or ()),
            has_status="status" in subresources,
            schema=(version.get("schema") or {}).get("openAPIV3Schema"),
            columns=tuple(version.get("additionalPrinterColumns") or ()),
            custom=True,
            has_generation=True,
            fields=tuple(field["jsonPath"].removeprefix(".") for field in version.get("selectableFields") or ()),
        )


class Registry:
    """Finds kinds by group, version and plural, or by apiVersion and kind."""

    def __init__(self) -> None:
        self._resources = {(r.group, r.version, r.plural): r for r in BUILTIN_RESOURCES}

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._resources.values()))

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Find the resource at ``/apis/{group}/{version}/{plural}``."""
        return self._resources.get((group, version, plural))

    def by_key(self, key: tuple[str, str]) -> Resource | None:
        """Any served version of a group and plural."""
        return next((r for r in self if r.key == key), None)

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """Find the resource that objects with this apiVersion and kind belong to."""
        return next((r for r in self if r.api_version == api_version and r.kind == kind), None)

    def groups(self) -> dict[str, list[str]]:
        """Versions of every group, in the order in which they were added."""
        found: dict[str, list[str]] = {}
        for resource in self:
            versions = found.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        return found

    def add(self, definition: dict[str, Any]) -> None:
        """Serve a custom resource, or serve it as its definition now says."""
        self.remove(definition)
        for resource in custom_resources(definition):
            self._resources[resource.group, resource.version, resource.plural] = resource

    def remove(self, definition: dict[str, Any]) -> None:
        """Stop serving a custom resource."""
        key = (definition["spec"]["group"], definition["spec"]["names"]["plural"])
        for resource in [r for r in self if r.key == key]:
            del self._resources[resource.group, resource.version, resource.plural]
