"""Which Service a host name from outside leads to, by the Ingresses and HTTPRoutes of the cluster.

What an ingress controller and a Gateway do: of any class, for whole hosts. Of two routes with the same host the older
one has it.
"""

from local.kubernetes.machinery.api import Key
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.machinery.resources import HTTP_ROUTES, INGRESSES, Json


class HostRoutes:
    """The routes as the API server tells them; begins to follow with the informers of its API."""

    def __init__(self, api: HttpApi) -> None:
        self._routes = [api.informer(resource) for resource in (INGRESSES, HTTP_ROUTES)]

    def service_of(self, host: str) -> Key | None:
        """Return the (namespace, Service) that a Host header leads to; None where no route has it."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        found = [route for routes in self._routes for route in routes.items() if name.lower() in targets_of(route)]
        if not found:
            return None
        oldest = min(found, key=_precedence)
        return oldest["metadata"]["namespace"], targets_of(oldest)[name.lower()]


def targets_of(route: Json) -> dict[str, str]:
    """Return the Service of each host name of a route."""
    spec = route["spec"]
    if route["kind"] == HTTP_ROUTES.kind:
        service = spec["rules"][0]["backendRefs"][0]["name"]
        return dict.fromkeys(spec["hostnames"], service)
    return {rule["host"]: rule["http"]["paths"][0]["backend"]["service"]["name"] for rule in spec["rules"]}


def _precedence(route: Json) -> tuple[str, str, str]:
    metadata = route["metadata"]
    return metadata["creationTimestamp"], metadata["namespace"], metadata["name"]
