"""Every right that the deploy function uses in the cluster: what its RBAC role must grant, and all it may grant.

The role in the repository and the tests that replay a deploy's calls are both held against this table.
"""

from types import MappingProxyType
from typing import Final

from functions.cluster.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    EVENTS,
    LIMIT_RANGES,
    NAMESPACES,
    PODS,
    SERVICE_ACCOUNTS,
    SERVICES,
    SPIN_APPS,
)

PERMISSIONS: Final = MappingProxyType(
    {
        # delete: only of apps that this service made (`functions.cluster.removal`).
        SPIN_APPS: ("get", "list", "create", "patch", "delete"),
        # Autoscalers come and go with `enable_autoscaling`.
        AUTOSCALERS: ("get", "create", "patch", "delete"),
        # get: is the name taken by something that is no function? list, watch: has the operator made it yet?
        SERVICES: ("get", "list", "watch"),
        # patch: only `spec.replicas`, to keep as many as serve when autoscaling is turned on
        # (`functions.cluster.capacity`).
        DEPLOYMENTS: ("get", "patch"),
        # The limit of containers without one: would a request without limit ever get a pod?
        LIMIT_RANGES: ("list",),
        SERVICE_ACCOUNTS: ("get",),
        # Why an app does not come up.
        PODS: ("list",),
        EVENTS: ("list",),
        NAMESPACES: ("get",),
    }
)
"""Resource to the verbs used on it."""


def rules() -> list[dict[str, list[str]]]:
    """The table as the ``rules`` of a Kubernetes ClusterRole."""
    return [
        {"apiGroups": [resource.group], "resources": [resource.plural], "verbs": list(verbs)}
        for resource, verbs in PERMISSIONS.items()
    ]
