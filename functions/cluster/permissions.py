"""Every right that the deploy function uses in the cluster: its RBAC role must grant these and no others.

Tests compare the role in the repository, and the calls that deploys make, with this table.
"""

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


def rules() -> list[dict[str, list[str]]]:
    """Return the table as the ``rules`` of a Kubernetes ClusterRole."""
    return [
        {"apiGroups": [resource.group], "resources": [resource.plural], "verbs": list(verbs)}
        for resource, verbs in PERMISSIONS.items()
    ]
