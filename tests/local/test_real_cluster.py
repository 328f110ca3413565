"""KUBECONFIG puts a real cluster in place of the built-in API. Here a second built-in cluster plays the real one."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.__main__ import real_cluster_kubeconfig
from local.cloud import Cloud, CloudOptions
from local.places import ROOT, state_root
from local.processes import Part
from tests.local.client import COMPONENT, Client, cluster_of, spin_toml, zipped


@pytest.fixture(scope="module")
def other_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kubeconfig of a cluster that knows nothing of the cloud."""
    folder = tmp_path_factory.mktemp("cluster")
    ready = folder / "ready.json"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "local.kubernetes",
        "--state-dir",
        str(folder / "state"),
        "--ready-file",
        str(ready),
    ]
    part = Part("kubernetes", command, folder / "log", environment)
    try:
        part.wait_until(ready.exists, 30)
        yield Path(json.loads(ready.read_text())["kubeconfig"])
    finally:
        part.stop()


def test_deployments_go_to_the_cluster_of_the_kubeconfig(other_cluster: Path) -> None:
    with Cloud(CloudOptions(port=0, kubeconfig=other_cluster)) as running:
        cloud = Client(running)
        source = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT})
        image = cloud.image(cloud.start("app.zip", source))
        missing = cloud.deploy(app_name="there", namespace="xxx", image_ref=image)
        assert missing.json() == {"detail": "Namespace 'xxx' not found"}
        deployed = cloud.deploy(app_name="there", namespace="default", image_ref=image)
        assert deployed.status_code == 200, deployed.text
        apps = cluster_of(other_cluster, "/apis/core.spinkube.dev/v1alpha1/namespaces/default/spinapps")["items"]
        assert [app["metadata"]["name"] for app in apps] == ["there"]
        # A function is called through the cluster's own service proxy, which knows no such service.
        headers = {"host": "elsewhere.default.svc.cluster.local"}
        assert httpx.get(cloud.url, headers=headers).status_code in {404, 503}


def test_a_kubeconfig_of_the_one_machine_cloud_is_not_a_real_cluster() -> None:
    own = state_root() / "run-x" / "kubernetes" / "kubeconfig"
    assert real_cluster_kubeconfig({"KUBECONFIG": str(own)}) is None
    assert real_cluster_kubeconfig({}) is None
    assert real_cluster_kubeconfig({"KUBECONFIG": "/somewhere/config"}) == Path("/somewhere/config")
