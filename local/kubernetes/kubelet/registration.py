"""The Node objects of this machine: one per capacity type, so that spot and on-demand can be told apart.

Both are this one machine; what differs is what a scheduler looks at. The names of labels and taint are Karpenter's
(https://karpenter.sh/docs/concepts/nodepools/), as on the EKS cluster that this stands in for.
"""

import os
import platform
from typing import Final

from local.kubernetes.api.clock import timestamp
from local.kubernetes.api.errors import ApiError
from local.kubernetes.kubelet.pod_status import POD_IP
from local.kubernetes.machinery.api import Api
from local.kubernetes.machinery.resources import NODES, Json

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
SPOT_TAINT: Final = {"key": CAPACITY_TYPE, "value": "spot", "effect": "NoSchedule"}
SHIM_LABEL: Final = "spin"
"""``spin=true`` marks nodes that have the shim: what SpinKube's runtime-class-manager goes by, and ``cluster/``."""
NODE_NAMES: Final = {"spot": "local-spot", "on-demand": "local-on-demand"}
KUBELET_VERSION: Final = "v1.32.0-local"


def register_nodes(api: Api) -> None:
    """Create the nodes, or say that they are ready again."""
    for capacity_type, name in NODE_NAMES.items():
        node = node_object(name, capacity_type)
        try:
            api.create(NODES, None, node)
        except ApiError as error:
            if error.code != 409:
                raise
            # A node of an earlier run may lack what has been added since.
            api.patch(NODES, None, name, {"metadata": {"labels": node["metadata"]["labels"]}})
        api.patch(NODES, None, name, {"status": _status(name)}, "status")


def node_object(name: str, capacity_type: str) -> Json:
    """Make a Node with the labels and taints that RuntimeClasses select by."""
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": platform.system().lower(),
        "kubernetes.io/arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        CAPACITY_TYPE: capacity_type,
        SHIM_LABEL: "true",
    }
    spec: Json = {"taints": [dict(SPOT_TAINT)]} if capacity_type == "spot" else {}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


def _status(name: str) -> Json:
    now = timestamp()
    capacity = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 10}Ki",
        "pods": "110",
    }
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    return {
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": [ready],
        "addresses": [{"type": "InternalIP", "address": POD_IP}, {"type": "Hostname", "address": name}],
        "nodeInfo": {
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
            "kernelVersion": platform.release(),
            "osImage": platform.platform(),
            "containerRuntimeVersion": "wasmtime://local",
            "kubeletVersion": KUBELET_VERSION,
            "kubeProxyVersion": KUBELET_VERSION,
            "operatingSystem": platform.system().lower(),
            "architecture": platform.machine(),
        },
    }
