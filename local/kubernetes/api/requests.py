"""What a request asks for: resource, namespace, name, subresource and verb, read from method and path.

The rules are those of apiserver `pkg/endpoints/request/requestinfo.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from local.kubernetes.api.decoding import FieldValidation, WriteOptions
from local.kubernetes.api.errors import (
    forbidden_field,
    invalid,
    invalid_value,
    path_not_found,
    required_value,
    too_long,
    type_not_found,
    unsupported_value,
)
from local.kubernetes.api.patches import APPLY_PATCH
from local.kubernetes.api.resources import NAMESPACE_KEY, POD_KEY, Registry, Resource

_TRUE = ("1", "true", "True")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "GET": "get", "HEAD": "get", "DELETE": "delete"}
_VALIDATIONS: tuple[FieldValidation, ...] = ("Strict", "Warn", "Ignore")
_MAX_MANAGER = 128


@dataclass(frozen=True)
class Target:
    """A resource request. `namespace` and `name` are empty when the path has none."""

    resource: Resource
    namespace: str
    name: str
    subresource: str
    verb: str
    """Kubernetes' verb: get, list, watch, create, patch, delete; the others are refused (405)."""

    @property
    def scope(self) -> str:
        """The namespace that its objects are stored in; empty for cluster-wide kinds."""
        return self.namespace if self.resource.namespaced else ""


def parse_target(registry: Registry, method: str, parts: list[str], query: dict[str, str]) -> Target:
    """Parse the target of a request to a resource path. Raises ApiError 404 or 405."""
    match parts:
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            raise path_not_found()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = [*rest, "", ""][:3]
    resource = registry.find(group, version, plural)
    if len(rest) > 3:
        raise path_not_found()
    if resource is None or not _serves(resource, subresource) or (namespace and not resource.namespaced):
        raise type_not_found() if _is_built_in(registry, group, version) else path_not_found()
    if resource.key == NAMESPACE_KEY and name:
        namespace = name
    return Target(resource, namespace, name, subresource, _verb(method, name, query))


def _is_built_in(registry: Registry, group: str, version: str) -> bool:
    return any((known.group, known.version) == (group, version) and not known.custom for known in registry)


def _verb(method: str, name: str, query: dict[str, str]) -> str:
    verb = _VERBS.get(method, method.lower())
    if verb == "get" and query.get("watch") in _TRUE:
        return "watch"
    return verb if name else {"get": "list", "delete": "deletecollection"}.get(verb, verb)


def _serves(resource: Resource, subresource: str) -> bool:
    match subresource:
        case "":
            return True
        case "status":
            return resource.has_status
        case "log" | "binding":
            return resource.key == POD_KEY
    return False


def write_options(verb: str, query: dict[str, str], user_agent: str, patch_type: str = "") -> WriteOptions:
    """Read the query parameters of a write. Raises ApiError 422.

    The rules are those of apimachinery `pkg/apis/meta/v1/validation`.
    """
    errors = []
    manager = query.get("fieldManager", "")
    force = query.get("force") in _TRUE
    if patch_type == APPLY_PATCH and not manager:
        errors.append(required_value("fieldManager", "is required for apply patch"))
    if force and patch_type and patch_type != APPLY_PATCH:
        errors.append(forbidden_field("force", "may not be specified for non-apply patch"))
    if len(manager) > _MAX_MANAGER:
        errors.append(too_long("fieldManager", _MAX_MANAGER))
    if not manager.isprintable():
        errors.append(invalid_value("fieldManager", manager, "should only contain printable characters"))
    dry_run = query.get("dryRun", "")
    if dry_run not in ("", "All"):
        errors.append(unsupported_value("dryRun", [dry_run], ["All"]))
    validation = query.get("fieldValidation") or "Warn"
    if validation not in _VALIDATIONS:
        errors.append(unsupported_value("fieldValidation", validation, ["", *sorted(_VALIDATIONS)]))
    if errors:
        raise invalid(f"{verb.capitalize()}Options", "meta.k8s.io", "", errors)
    default = user_agent.split("/")[0][:_MAX_MANAGER] or "unknown"
    return WriteOptions(manager or default, dry_run == "All", cast(FieldValidation, validation), force)
