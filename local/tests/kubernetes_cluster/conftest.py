"""One component, one registry and one cluster for the whole folder."""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from local.kubernetes.cluster import Cluster
from local.kubernetes.config import ClusterConfig
from local.kubernetes.kubeconfig import access_from_kubeconfig
from local.kubernetes.kubelet.node import NodeTimes
from local.kubernetes.machinery.api import Key
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.service_router import ServiceRouter
from local.tests.kubernetes_cluster.registry import Registry
from local.tests.kubernetes_cluster.world import HOST, World
from tests.support import components
from tests.support.background import serve


@pytest.fixture(scope="session")
def component() -> bytes:
    """The test function as a wasm component."""
    return components.component().read_bytes()


@pytest.fixture(scope="session")
def registry(component: bytes) -> Registry:
    """Images v1 and v2, which differ in their greeting."""
    registry = Registry(component)
    registry.push("blue-faas-app", "v1", "one")
    registry.push("blue-faas-app", "v2", "two")
    return registry


@pytest.fixture(scope="session")
def mirrors(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A mirrors file that leads ECR's host to the registry."""
    with serve(registry.app) as url:
        path = tmp_path_factory.mktemp("mirrors") / "mirrors.json"
        path.write_text(json.dumps({HOST: url}))
        yield path


@pytest.fixture(scope="session")
def cluster(mirrors: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster with short back-offs."""
    folder = tmp_path_factory.mktemp("cluster")
    config = ClusterConfig(
        state_dir=folder,
        mirrors_file=mirrors,
        compile_cache=components.COMPILED,
        times=NodeTimes(backoff_first=0.3, metrics_period=0.5, config_retry=0.2),
        autoscaler_sync_seconds=1.0,
        autoscaler_downscale_seconds=2.0,
    )
    with Cluster(config) as cluster:
        yield cluster
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def world(cluster: Cluster, registry: Registry) -> Iterator[World]:
    """The cluster as its users see it."""
    counted: list[tuple[Key, int, float]] = []
    router = ServiceRouter.from_kubeconfig(cluster.config.kubeconfig, lambda *told: counted.append(told))
    access = access_from_kubeconfig(cluster.config.kubeconfig)
    api = HttpApi(access)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await router.start()
        yield
        await router.stop()

    app = Starlette(routes=[Mount("/", router)], lifespan=lifespan)
    with serve(app) as url, httpx.Client(timeout=30) as client:
        yield World(access, api, registry, url, client, cluster.config.state_dir / "node" / "processes", counted)
    api.close()
