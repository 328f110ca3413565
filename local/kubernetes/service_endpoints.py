"""Where Services lead: a table of ready endpoints, kept current from the Kubernetes API, read per request.

What kube-proxy keeps on every node, for one process. `local.kubernetes.service_router` reads it.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.api import Key, object_of
from local.kubernetes.machinery.http_api import ApiAccess, HttpApi
from local.kubernetes.machinery.resources import ENDPOINT_SLICES, SERVICES, Json

SERVICE_LABEL = "kubernetes.io/service-name"

Address = tuple[str, int]

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?P<service>{_LABEL})\.(?P<namespace>{_LABEL})(?:\.svc(?:\.cluster\.local\.?)?)?", re.IGNORECASE)


def parse_service_host(host: str) -> Key | None:
    """Parse the (namespace, service) that a Host header names; None when it names no Service.

    Accepts ``service.namespace``, ``….svc`` and ``….svc.cluster.local``, with or without a port, in any case.
    """
    match = _HOST.fullmatch(host.partition(":")[0])
    return (match["namespace"].lower(), match["service"].lower()) if match else None


@dataclass
class Targets:
    """One Service's addresses, and whose turn it is."""

    addresses: tuple[Address, ...] = ()
    turn: Iterator[int] = field(default_factory=itertools.count)

    def in_order(self) -> tuple[Address, ...]:
        """All addresses once, starting with the one whose turn it is."""
        if len(self.addresses) < 2:
            return self.addresses
        start = next(self.turn) % len(self.addresses)
        return self.addresses[start:] + self.addresses[:start]


class ServiceTable:
    """Services and their endpoints as the API server tells them. Lookups of what is known never wait."""

    def __init__(self, access: ApiAccess) -> None:
        self._api = HttpApi(access, user_agent="blue-faas-service-router")
        self._services = self._api.informer(SERVICES)
        self._slices = self._api.informer(ENDPOINT_SLICES)
        self._targets: dict[Key, Targets] = {}
        self._slices.add_handler(self._slice_changed)

    def start(self, timeout: float) -> None:
        """Follow the API server; returns with the first lists. Raises TimeoutError."""
        self._api.start_informers(timeout)

    def stop(self) -> None:
        """Stop following."""
        self._api.close()

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

    def lookup(self, service: Key) -> tuple[Address, ...]:
        """Find the addresses to try, in this request's order; empty when none takes requests."""
        targets = self._targets.get(service)
        return targets.in_order() if targets is not None else ()

    def _slice_changed(self, before: Json | None, after: Json | None) -> None:
        found = object_of(before, after)
        namespace = found["metadata"]["namespace"]
        name = (found["metadata"].get("labels") or {}).get(SERVICE_LABEL)
        if name is None:
            return
        slices = [
            entry
            for entry in self._slices.items(namespace)
            if (entry["metadata"].get("labels") or {}).get(SERVICE_LABEL) == name
        ]
        targets = self._targets.setdefault((namespace, name), Targets())
        targets.addresses = addresses_of(slices)
        if not slices:
            del self._targets[namespace, name]


def addresses_of(slices: list[Json]) -> tuple[Address, ...]:
    """Return the addresses that take requests: ready ones; if there are none, those that end but still serve.

    The fallback is kube-proxy's (ProxyTerminatingEndpoints): better a pod on its way out than an error.
    """
    ready: set[Address] = set()
    ending: set[Address] = set()
    endpoints = [(e, s["ports"]) for s in slices if s.get("ports") for e in s.get("endpoints") or ()]
    for endpoint, ports in endpoints:
        conditions = endpoint.get("conditions") or {}
        found = {(address, int(ports[0]["port"])) for address in endpoint["addresses"]}
        if conditions.get("ready") is not False:
            ready |= found
        elif conditions.get("serving") and conditions.get("terminating"):
            ending |= found
    return tuple(sorted(ready or ending))
