"""The deploy tests' cluster, with the rights of ``cluster/`` in place of the permissions table."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from local.kubernetes.kustomization import build
from local.kubernetes.seed import CLUSTER_MANIFESTS

# Fixtures: the server, EKS and everything that the Lambda finds around it.
from tests.unit.cluster.conftest import *  # noqa: F403
from tests.unit.cluster.conftest import _own_ecr_client  # noqa: F401  # private names are not in *
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

Json = dict[str, Any]
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "RoleBinding": "rolebindings",
    "RuntimeClass": "runtimeclasses",
    "SpinAppExecutor": "spinappexecutors",
}
CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "RuntimeClass"}
_numbers = itertools.count(1)


class Operator(Administrator):
    """Whoever sets a cluster up from the manifests."""

    def install(self, objects: list[Json]) -> None:
        """Create the objects of a kustomization, in the namespace at hand."""
        for body in objects:
            scope = "" if body["kind"] in CLUSTER_SCOPED else f"/namespaces/{self.namespace}"
            response = self._http.post(f"/apis/{body['apiVersion']}{scope}/{PLURALS[body['kind']]}", json=body)
            assert response.status_code == 201, response.text


@pytest.fixture(autouse=True)
def own_connection(cold_start: None) -> None:
    """The function keeps its connection to the cluster: the deploy tests' one must be neither used nor replaced."""


@pytest.fixture(scope="session")  # type: ignore[no-redef]  # in place of the imported one: it takes the table
def administrator(server: KubernetesServer, authority: trustme.CA) -> Iterator[Operator]:
    """Has applied ``cluster/base``."""
    operator = Operator(server, authority)
    operator.install(build(CLUSTER_MANIFESTS / "base"))
    yield operator
    operator.close()


@pytest.fixture  # type: ignore[no-redef]  # likewise
def kubectl(server: KubernetesServer, administrator: Operator) -> Operator:
    """The operator, in a new namespace with ``cluster/tenant``."""
    name = f"tenant-{next(_numbers)}"
    server.prepare(name, executors=())
    tenant = administrator.within(name)
    assert isinstance(tenant, Operator)
    tenant.install(build(CLUSTER_MANIFESTS / "tenant"))
    return tenant
