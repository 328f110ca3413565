"""What a prepared cluster has before the first app: runtime classes, executors, the deployer's rights.

On EKS an operator installs these once, from SpinKube's manifests and from ``cluster/`` of this repository; here the
same files are applied at every start, so that a cluster whose state was kept is brought up to date too. New namespaces
get neither executors nor rights for the deployer, as on a real cluster: ``kubectl apply -k`` an overlay of
``cluster/tenant``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from functions.models.exposure import RouteKind
from infra.tools.cluster_rbac import manifests
from local.kubernetes.kubelet.metrics import metrics_definition
from local.kubernetes.kubelet.node import SPIN_HANDLER
from local.kubernetes.kustomization import build, patch
from local.kubernetes.machinery.api import Api
from local.kubernetes.machinery.resources import (
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    RUNTIME_CLASSES,
    SPIN_APP_EXECUTORS,
    Json,
    Resource,
)

FIELD_MANAGER: Final = "blue-faas-local-seed"
CLUSTER_MANIFESTS: Final = Path(__file__).resolve().parents[2] / "cluster"
PLAIN_CLASS: Final = "wasmtime-spin-v2"
"""The RuntimeClass of SpinKube's own samples."""

DEPLOYERS: Final = "blue-faas-deployer"
"""Kubernetes group of the deploy function."""
_RBAC_GROUP: Final = "rbac.authorization.k8s.io"
_KINDS: Final = {
    resource.kind: resource
    for resource in (
        NAMESPACES,
        RUNTIME_CLASSES,
        SPIN_APP_EXECUTORS,
        Resource(_RBAC_GROUP, "v1", "clusterroles", "ClusterRole", namespaced=False),
        Resource(_RBAC_GROUP, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
        Resource(_RBAC_GROUP, "v1", "roles", "Role"),
        Resource(_RBAC_GROUP, "v1", "rolebindings", "RoleBinding"),
    )
}


@dataclass(frozen=True)
class SeedOptions:
    """Which manifests are applied, and where functions can be deployed to."""

    manifests: Path = CLUSTER_MANIFESTS
    """Folder with ``base`` (applied once) and ``tenant`` (applied in each namespace), both of them kustomizations."""
    tenants: tuple[str, ...] = ("default",)
    """Namespaces that get executors and the deployer's rights."""
    measured: bool = False
    """Whether functions are told where to send what they measure, as by ``metrics`` of the folder."""
    exposed_by: RouteKind | None = None
    """Kind of route that exposes apps, if they are to be: the manifests have no rights on any."""


def seed(api: Api, options: SeedOptions) -> None:
    """Apply everything. Raises ValueError for a manifest that is not understood."""
    for resource, namespace, body in seed_objects(options):
        api.apply(resource, namespace, body, FIELD_MANAGER)


def seed_objects(options: SeedOptions) -> Iterator[tuple[Resource, str | None, Json]]:
    """(resource, namespace, object) in the order in which they are to be applied."""
    yield CUSTOM_RESOURCE_DEFINITIONS, None, metrics_definition()
    for name in ("default", "kube-system", *options.tenants):
        yield NAMESPACES, None, {"metadata": {"name": name}}
    yield RUNTIME_CLASSES, None, {"metadata": {"name": PLAIN_CLASS}, "handler": SPIN_HANDLER}
    yield from seed_manifests(options)


def seed_manifests(options: SeedOptions) -> Iterator[tuple[Resource, str | None, Json]]:
    """Yield the part of `seed_objects` that comes from ``cluster/``."""
    yield from _placed(build(options.manifests / "base"))
    if options.exposed_by is not None:
        yield from _placed(manifests(DEPLOYERS, options.exposed_by)["cluster/base/rbac.yaml"])
    for tenant in options.tenants:
        objects = build(options.manifests / "tenant")
        if options.measured:
            patch(objects, options.manifests / "metrics")
        yield from _placed(objects, tenant)


def _placed(objects: list[Json], namespace: str = "default") -> Iterator[tuple[Resource, str | None, Json]]:
    for body in objects:
        resource = _KINDS.get(body["kind"])
        if resource is None:
            known = ", ".join(sorted(_KINDS))
            raise ValueError(f"kind {body['kind']!r} of the cluster's manifests is not applied here (known: {known})")
        yield resource, namespace if resource.namespaced else None, body
