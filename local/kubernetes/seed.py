"""What a prepared cluster has before the first app: runtime classes, executors, the deployer's rights.

On EKS an operator installs these once (SpinKube's manifests and the repo's own); applied here at every start, so that
a cluster whose state was kept is brought up to date too. New namespaces get no executors, as on a real cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from local.kubernetes.kubelet.metrics import metrics_definition
from local.kubernetes.kubelet.node import SPIN_HANDLER
from local.kubernetes.kubelet.registration import CAPACITY_TYPE, SPOT_TAINT
from local.kubernetes.machinery.api import KubernetesApi
from local.kubernetes.machinery.resources import (
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    RUNTIME_CLASSES,
    SPIN_APP_EXECUTORS,
    Json,
    Resource,
)

FIELD_MANAGER: Final = "blue-faas-local-seed"
SPOT_CLASS: Final = "spin-spot"
ON_DEMAND_CLASS: Final = "spin-on-demand"
PLAIN_CLASS: Final = "wasmtime-spin-v2"
"""The RuntimeClass of SpinKube's own samples."""

_RBAC_GROUP: Final = "rbac.authorization.k8s.io"
CLUSTER_ROLE_BINDINGS: Final = Resource(
    _RBAC_GROUP, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
_MANIFEST_KINDS: Final = {
    resource.kind: resource
    for resource in (
        NAMESPACES,
        RUNTIME_CLASSES,
        SPIN_APP_EXECUTORS,
        CLUSTER_ROLE_BINDINGS,
        Resource(_RBAC_GROUP, "v1", "clusterroles", "ClusterRole", namespaced=False),
        Resource(_RBAC_GROUP, "v1", "roles", "Role"),
        Resource(_RBAC_GROUP, "v1", "rolebindings", "RoleBinding"),
    )
}


@dataclass(frozen=True)
class SeedOptions:
    """Names that the deployer is configured with, and where its rights are written down."""

    spot_executor: str = "spot"
    on_demand_executor: str = "on-demand"
    executor_namespaces: tuple[str, ...] = ("default",)
    deployer_group: str = "blue-faas-deployer"
    rbac_manifests: Path | None = None
    """Folder of YAML files with the deployer group's Roles and bindings; None makes the group cluster-admin."""


def seed(api: KubernetesApi, options: SeedOptions) -> None:
    """Apply everything. Raises ValueError for a manifest that is not understood."""
    for resource, namespace, body in seed_objects(options):
        api.apply(resource, namespace, body, FIELD_MANAGER)


def seed_objects(options: SeedOptions) -> Iterator[tuple[Resource, str | None, Json]]:
    """(resource, namespace, object) in the order in which they are to be applied."""
    yield CUSTOM_RESOURCE_DEFINITIONS, None, metrics_definition()
    for name in ("default", "kube-system", *options.executor_namespaces):
        yield NAMESPACES, None, {"metadata": {"name": name}}
    for name, scheduling in _runtime_classes().items():
        body: Json = {"metadata": {"name": name}, "handler": SPIN_HANDLER}
        yield RUNTIME_CLASSES, None, body | ({"scheduling": scheduling} if scheduling else {})
    executors = {options.spot_executor: SPOT_CLASS, options.on_demand_executor: ON_DEMAND_CLASS}
    for namespace in options.executor_namespaces:
        for name, runtime_class in executors.items():
            spec = {"createDeployment": True, "deploymentConfig": {"runtimeClassName": runtime_class}}
            yield SPIN_APP_EXECUTORS, namespace, {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
    if options.rbac_manifests is None:
        yield CLUSTER_ROLE_BINDINGS, None, _cluster_admin(options.deployer_group)
    else:
        yield from manifests(options.rbac_manifests)


def _runtime_classes() -> dict[str, Json | None]:
    """RuntimeClass to its scheduling: SpinApps cannot say where they run, so the class does.

    Prefer-spot has no constraint but tolerates the spot taint (Karpenter takes spot first); on-demand asks for it.
    """
    tolerated = {"operator": "Equal", **SPOT_TAINT}
    return {
        SPOT_CLASS: {"tolerations": [tolerated]},
        ON_DEMAND_CLASS: {"nodeSelector": {CAPACITY_TYPE: "on-demand"}},
        PLAIN_CLASS: None,
    }


def _cluster_admin(group: str) -> Json:
    return {
        "metadata": {"name": f"{group}-cluster-admin"},
        "roleRef": {"apiGroup": _RBAC_GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": _RBAC_GROUP, "kind": "Group", "name": group}],
    }


def manifests(folder: Path) -> Iterator[tuple[Resource, str | None, Json]]:
    """The objects of a folder's YAML files, in the order of file names. Raises ValueError for an unknown kind."""
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            if not document:
                continue
            resource = _MANIFEST_KINDS.get(document.get("kind"))
            if resource is None:
                known = ", ".join(sorted(_MANIFEST_KINDS))
                raise ValueError(f"{path}: kind {document.get('kind')!r} is not applied at start (known: {known})")
            namespace = document["metadata"].get("namespace", "default") if resource.namespaced else None
            yield resource, namespace, document
