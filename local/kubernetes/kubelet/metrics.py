"""CPU and memory of the pods' processes, written to ``metrics.k8s.io`` for the autoscaler and `kubectl top`.

On a real cluster metrics-server answers that API from the kubelets' summaries. Read from ``/proc`` (Linux); elsewhere
nothing is written and autoscalers report that they have no metrics.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from local.kubernetes.api.clock import timestamp
from local.kubernetes.machinery.resources import POD_METRICS, PODS, Json

_PROC = Path("/proc")


@dataclass(frozen=True)
class Sample:
    """A process at one moment: CPU seconds since its start, bytes in memory, monotonic time."""

    cpu_seconds: float
    memory_bytes: int
    at: float


def sample(pid: int) -> Sample | None:
    """Read a process; None when it is gone or there is no ``/proc``."""
    try:
        # Fields 14, 15 (user and system ticks) and 24 (resident pages) of proc(5).
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ticks = int(fields[11]) + int(fields[12])
    memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Sample(ticks / os.sysconf("SC_CLK_TCK"), memory, time.monotonic())


def container_usage(name: str, before: Sample, now: Sample) -> Json:
    """Make a container's entry in PodMetrics: average CPU between two samples, memory at the later one."""
    cores = max(0.0, now.cpu_seconds - before.cpu_seconds) / max(now.at - before.at, 1e-3)
    return {"name": name, "usage": {"cpu": f"{round(cores * 1e9)}n", "memory": f"{now.memory_bytes >> 10}Ki"}}


def pod_metrics(pod: Json, containers: list[Json], window_seconds: float) -> Json:
    """Make the PodMetrics object of a pod; it goes when the pod goes."""
    meta = pod["metadata"]
    return {
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": dict(meta.get("labels") or {}),
            "ownerReferences": [
                {"apiVersion": PODS.api_version, "kind": PODS.kind, "name": meta["name"], "uid": meta["uid"]}
            ],
        },
        "timestamp": timestamp(),
        "window": f"{window_seconds:.3f}s",
        "containers": containers,
    }


def metrics_definition() -> Json:
    """Make the CustomResourceDefinition under which this cluster serves pod metrics."""
    return {
        "metadata": {
            "name": f"{POD_METRICS.plural}.{POD_METRICS.group}",
            # The API server guards *.k8s.io names: https://github.com/kubernetes/enhancements/pull/1111
            "annotations": {"api-approved.kubernetes.io": "unapproved, served by aggregation on real clusters"},
        },
        "spec": {
            "group": POD_METRICS.group,
            "names": {
                "kind": POD_METRICS.kind,
                "listKind": f"{POD_METRICS.kind}List",
                "plural": POD_METRICS.plural,
                "singular": "podmetrics",
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": POD_METRICS.version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }
