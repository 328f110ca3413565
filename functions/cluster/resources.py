"""The kinds of object that a deploy reads and writes, and their URLs in the Kubernetes API."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from functions.models.exposure import RouteKind


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, as the API server names it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """Return ``group/version``; the core group has no name."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """Return the URL path of the collection or of one object. Names are DNS labels and need no escaping.

        Without a namespace: the collection in all of them.
        """
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


SPIN_APPS: Final = Resource("core.spinkube.dev", "v1alpha1", "spinapps", "SpinApp")
EXECUTORS: Final = Resource("core.spinkube.dev", "v1alpha1", "spinappexecutors", "SpinAppExecutor")
AUTOSCALERS: Final = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
SERVICES: Final = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
LIMIT_RANGES: Final = Resource("", "v1", "limitranges", "LimitRange")
PODS: Final = Resource("", "v1", "pods", "Pod")
POD_LOGS: Final = Resource("", "v1", "pods/log", "Pod")
"""The log of a pod: a right of its own. Read with `functions.cluster.client.Cluster.pod_log`."""
INGRESSES: Final = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
HTTP_ROUTES: Final = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")
ROUTES: Final[Mapping[RouteKind, Resource]] = MappingProxyType({"Ingress": INGRESSES, "HTTPRoute": HTTP_ROUTES})
"""What can lead to an app from outside, by how an installation names it."""
EVENTS: Final = Resource("", "v1", "events", "Event")
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
