"""Where Services lead: the pods that they select, kept current from the Kubernetes API, read per request.

What EndpointSlices and kube-proxy are for on a cluster, for one process. `local.kubernetes.service_router` reads it.
"""

import itertools
import re
from collections.abc import Iterator

from functions.contracts.function_metrics import sends_spans
from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.selectors import match_label_selector
from local.kubernetes.host_routes import HostRoutes
from local.kubernetes.machinery.api import Key
from local.kubernetes.machinery.http_api import ApiAccess, HttpApi
from local.kubernetes.machinery.meta import is_pod_ready, is_terminating
from local.kubernetes.machinery.resources import PODS, SERVICES, Json
from local.kubernetes.ports import resolve_target_port

Address = tuple[str, int]

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(
    rf"(?P<service>{_LABEL})\.(?P<namespace>{_LABEL})(?:\.svc(?:\.cluster\.local\.?|\.localhost)?)?", re.IGNORECASE
)


def parse_service_host(host: str) -> Key | None:
    """Parse the (namespace, service) that a Host header names; None when it names no Service.

    Accepts ``service.namespace``, ``….svc``, ``….svc.cluster.local``, and ``….svc.localhost``, which browsers and curl
    find without DNS (RFC 6761), with or without a port, in any case.
    """
    match = _HOST.fullmatch(host.partition(":")[0])
    return (match["namespace"].lower(), match["service"].lower()) if match else None


class ServiceTable:
    """Services and their pods as the API server tells them. Lookups of what is known never wait."""

    def __init__(self, access: ApiAccess) -> None:
        self._api = HttpApi(access, user_agent="blue-faas-service-router")
        self._services = self._api.informer(SERVICES)
        self._pods = self._api.informer(PODS)
        self._turns: dict[Key, Iterator[int]] = {}
        self._hosts = HostRoutes(self._api)

    def start(self, timeout: float) -> None:
        """Follow the API server; returns with the first lists. Raises TimeoutError."""
        self._api.start_informers(timeout)

    def stop(self) -> None:
        """Stop following."""
        self._api.close()

    def service_of(self, host: str) -> Key | None:
        """Return the (namespace, Service) that a Host header names: by a route, or by the Service's own name."""
        return self._hosts.service_of(host) or parse_service_host(host)

    def exists(self, service: Key) -> bool:
        """Whether there is a Service of this (namespace, name).

        The API server is asked about a name that the watch has not told of: whoever was just answered that the
        Service is there may call it before the watch's event arrives.
        """
        return self._services.get(*service) is not None or self._is_new(*service)

    def _is_new(self, namespace: str, name: str) -> bool:
        try:
            self._api.get(SERVICES, namespace, name)
        except (ApiError, ConnectionError):
            return False
        return True

    def is_measured(self, service: Key) -> bool:
        """Return whether a pod of the Service says where to send its spans."""
        known = self._services.get(*service)
        pods = self._pods.items(service[0]) if known is not None else []
        return any(sends_spans(pod["spec"]) for pod in pods if known is not None and _selects(known, pod))

    def lookup(self, service: Key) -> tuple[Address, ...]:
        """Find the addresses to try, those of one service by turns; empty when none takes requests."""
        known = self._services.get(*service)
        addresses = addresses_of(known, self._pods.items(service[0])) if known is not None else ()
        first = next(self._turns.setdefault(service, itertools.count())) % max(len(addresses), 1)
        return addresses[first:] + addresses[:first]


def _selects(service: Json, pod: Json) -> bool:
    selector = service["spec"].get("selector")
    return bool(selector) and match_label_selector({"matchLabels": selector}, pod["metadata"].get("labels"))


def addresses_of(service: Json, pods: list[Json]) -> tuple[Address, ...]:
    """Return where a Service's requests can go: to ready pods; if there are none, to those that end but still serve.

    The fallback is kube-proxy's (ProxyTerminatingEndpoints): better a pod on its way out than an error.
    """
    serving = [pod for pod in pods if _selects(service, pod) and is_pod_ready(pod)]
    chosen = [pod for pod in serving if not is_terminating(pod)] or serving
    return tuple(sorted(address for pod in chosen if (address := _address(service, pod)) is not None))


def _address(service: Json, pod: Json) -> Address | None:
    """Find where a pod listens for a Service's first port; None when it does not, or the Service has none."""
    for port in service["spec"].get("ports") or ():
        number = resolve_target_port(pod, port.get("targetPort"), port["port"])
        return (pod["status"]["podIP"], number) if number is not None else None
    return None
