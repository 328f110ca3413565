"""Metrics of functions in CloudWatch: names and dimensions.

The collector of ``cluster/examples/metrics`` and the front of the one-machine cloud send them under these names; the
route for metrics and the dashboards ask for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

METRIC_NAMESPACE: Final = "BlueFaas/Functions"
CALLS: Final = "function.calls"
"""Requests, by the class of their status."""
DURATION: Final = "function.duration"
"""Milliseconds of a request; its sample count is the number of requests."""
COMPONENT_CPU_TIME: Final = "spin.component_cpu_time"
"""Seconds of CPU time of a request."""
COMPONENT_MEMORY: Final = "spin.component_memory_used"
"""Bytes of memory of a request."""

CLUSTER: Final = "k8s.cluster.name"
NAMESPACE: Final = "k8s.namespace.name"
DEPLOYMENT: Final = "k8s.deployment.name"
STATUS_CLASS: Final = "http.response.status_class"
SERVER_ERRORS: Final = "5xx"

TRACE_ENDPOINTS: Final = frozenset({"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"})
"""Variables that let Spin send its spans, of which the metrics are made; SpinKube sets them from an executor's ``otel``
(spin-operator v0.6.1, ``internal/controller/deployment.go``)."""


@dataclass(frozen=True, slots=True)
class MeasuredApp:
    """The app that a metric is about."""

    cluster: str
    namespace: str
    name: str

    def dimensions(self, status_class: str | None = None) -> dict[str, str]:
        """Return the dimensions of `DURATION`; with ``status_class``, those of `CALLS`."""
        of_app = {CLUSTER: self.cluster, NAMESPACE: self.namespace, DEPLOYMENT: self.name}
        return of_app if status_class is None else {**of_app, STATUS_CLASS: status_class}


def status_class(status: int) -> str:
    """Return the class of an HTTP status.

    >>> status_class(503)
    '5xx'
    """
    return f"{status // 100}xx"


def sends_spans(pod: Mapping[str, Any]) -> bool:
    """Return whether the containers of a pod's spec tell Spin where to send its spans."""
    variables = [each for container in pod.get("containers") or [] for each in container.get("env") or []]
    return any(variable["name"] in TRACE_ENDPOINTS and variable.get("value") for variable in variables)
