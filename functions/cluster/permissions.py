"""Every right that the deploy function uses in the cluster: its RBAC role must grant these and no others.

Tests compare the role in the repository, and the calls that deploys make, with this table.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from functions.cluster.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    EVENTS,
    LIMIT_RANGES,
    NAMESPACES,
    POD_LOGS,
    PODS,
    SERVICE_ACCOUNTS,
    SERVICES,
    SPIN_APPS,
    Resource,
)

PERMISSIONS: Final = MappingProxyType(
    {
        # delete: only apps that this service created (`functions.cluster.removal`).
        SPIN_APPS: ("get", "list", "create", "patch", "delete"),
        # Autoscalers come and go with `enable_autoscaling`.
        AUTOSCALERS: ("get", "create", "patch", "delete"),
        # get: does something that is not a function have the name? list, watch: has the operator created it yet?
        SERVICES: ("get", "list", "watch"),
        # patch: only `spec.replicas`, to keep the number of replicas when autoscaling is switched on
        # (`functions.cluster.capacity`).
        DEPLOYMENTS: ("get", "patch"),
        # The limit of containers that have none: would a request without a limit ever get a pod?
        LIMIT_RANGES: ("list",),
        SERVICE_ACCOUNTS: ("get",),
        # The reason why an app does not start.
        PODS: ("list",),
        # What a function has printed.
        POD_LOGS: ("get",),
        EVENTS: ("list",),
        NAMESPACES: ("get",),
    }
)
"""The verbs that are used on each resource."""
_OF_ROUTES: Final = ("get", "create", "patch", "delete")
"""Verbs on the routes of apps that are exposed, in the apps' namespaces."""
_OF_ALL_ROUTES: Final = ("list",)
"""Verbs on the routes of all namespaces: a host name belongs to one app of the cluster."""

Rights = Mapping[Resource, tuple[str, ...]]


def in_namespaces(route: Resource | None = None) -> Rights:
    """Return the verbs on objects in the namespaces of apps; ``route``: the kind of route that exposes apps."""
    namespaced = {resource: verbs for resource, verbs in PERMISSIONS.items() if resource.namespaced}
    return namespaced if route is None else {**namespaced, route: _OF_ROUTES}


def everywhere(route: Resource | None = None) -> Rights:
    """Return the verbs for the whole cluster; ``route``: the kind of route that exposes apps."""
    wide = {resource: verbs for resource, verbs in PERMISSIONS.items() if not resource.namespaced}
    return wide if route is None else {**wide, route: _OF_ALL_ROUTES}


def rules(rights: Rights) -> list[dict[str, list[str]]]:
    """Return rights as the ``rules`` of a Kubernetes ClusterRole."""
    return [
        {"apiGroups": [resource.group], "resources": [resource.plural], "verbs": list(verbs)}
        for resource, verbs in rights.items()
    ]
