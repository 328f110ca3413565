"""What the server says about itself: versions, groups, kinds, and the part of OpenAPI that kubectl reads."""

from __future__ import annotations

from typing import Any

from local.kubernetes.api.errors import path_not_found
from local.kubernetes.api.resources import POD_KEY, Registry, Resource

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-local",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
_VERBS = ["create", "delete", "get", "list", "patch", "watch"]
_SUBRESOURCE_VERBS = ["get", "patch"]


def answer(registry: Registry, parts: list[str]) -> dict[str, Any] | None:
    """Answer a GET of a discovery path; `None` when the path is none. Raises ApiError 404."""
    match parts:
        case ["version"]:
            return VERSION
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = [_group(name, versions) for name, versions in registry.groups().items() if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group]:
            versions = registry.groups().get(group)
            if not versions:
                raise path_not_found()
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, versions)}
        case ["api", version]:
            return _resources(registry, "", version)
        case ["apis", group, version]:
            return _resources(registry, group, version)
        case ["openapi", "v3"]:
            return {"paths": {path: _openapi_link(path) for path in _group_version_paths(registry)}}
        case ["openapi", "v3", "api", version]:
            return _openapi(registry, "", version)
        case ["openapi", "v3", "apis", group, version]:
            return _openapi(registry, group, version)
    return None


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def _resources(registry: Registry, group: str, version: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for resource in registry:
        if (resource.group, resource.version) == (group, version):
            found += _resource(resource)
    if not found:
        raise path_not_found()
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def _resource(resource: Resource) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    shared = {"singularName": "", "namespaced": resource.namespaced, "kind": resource.kind}
    entries = [entry]
    if resource.has_status:
        entries.append({"name": f"{resource.plural}/status", **shared, "verbs": _SUBRESOURCE_VERBS})
    if resource.key == POD_KEY:
        entries.append({"name": f"{resource.plural}/log", **shared, "verbs": ["get"]})
        entries.append({"name": f"{resource.plural}/binding", **shared, "kind": "Binding", "verbs": ["create"]})
    return entries


def _group_version_paths(registry: Registry) -> list[str]:
    pairs = dict.fromkeys((resource.group, resource.version) for resource in registry)
    return [f"apis/{group}/{version}" if group else f"api/{version}" for group, version in pairs]


def _openapi_link(path: str) -> dict[str, str]:
    return {"serverRelativeURL": f"/openapi/v3/{path}?hash=1"}


def _openapi(registry: Registry, group: str, version: str) -> dict[str, Any]:
    """Paths only: from them kubectl learns that the server validates fields itself."""
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    parameters = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
    paths: dict[str, Any] = {}
    for resource in registry:
        if (resource.group, resource.version) != (group, version):
            continue
        kind = {"group": group, "version": version, "kind": resource.kind}
        operation = {"parameters": parameters, "responses": {}, "x-kubernetes-group-version-kind": kind}
        middle = "/namespaces/{namespace}" if resource.namespaced else ""
        paths[f"{root}{middle}/{resource.plural}/{{name}}"] = {"patch": operation}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]}, "paths": paths}
