"""`make local` with KUBECONFIG, which puts a real cluster in place of the built-in API, from its start to Ctrl-C.

Here a second built-in cluster plays the real one.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.__main__ import real_cluster_kubeconfig
from local.cloud.places import ROOT, state_root
from local.cloud.processes import Part, free_port
from local.kubernetes.kubelet.leftovers import start_time
from tests.support.client import COMPONENT, ENDED, PATIENCE, cluster_of, spin_toml, zipped


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


@dataclass
class Started:
    """`make local`, by a person."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def request(self, method: str, path: str, **request: Any) -> Any:
        """A request to the API; its JSON."""
        return httpx.request(method, f"{self.url}{path}", timeout=60, **request).json()


@pytest.fixture(scope="module")
def started(other_cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """With that cluster's KUBECONFIG."""
    port, log = free_port(), tmp_path_factory.mktemp("started") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "KUBECONFIG": str(other_cluster)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while f"Blue FaaS is ready at http://127.0.0.1:{port}" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Started(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.kill()


def test_deployments_go_to_the_cluster_of_the_kubeconfig(started: Started, other_cluster: Path) -> None:
    source = zipped(**{"spin.toml": spin_toml(None), "app.wasm": COMPONENT})
    upload = {"files": {"file": ("app.zip", source)}, "data": {"workspace_id": "w"}}
    path = f"/api/v1/tasks/{started.request('POST', '/api/v1/build-and-push', **upload)['task_id']}"
    while (task := started.request("GET", path, params={"workspace_id": "w", "wait": 5}))["status"] not in ENDED:
        pass
    assert task["status"] == "done", task["error"]
    app = {"app_name": "there", "image_ref": task["result"]["image_url"]}
    missing = started.request("POST", "/api/v1/deploy", json={**app, "namespace": "xxx"})
    assert missing == {"detail": "Namespace 'xxx' not found"}
    deployed = started.request("POST", "/api/v1/deploy", json={**app, "namespace": "default"})
    assert deployed["service_status"] == "found", deployed
    apps = cluster_of(other_cluster, "/apis/core.spinkube.dev/v1alpha1/namespaces/default/spinapps")["items"]
    assert [app["metadata"]["name"] for app in apps] == ["there"]
    # A function is called through the cluster's own service proxy, which knows no such service.
    headers = {"host": "elsewhere.default.svc.cluster.local"}
    assert httpx.get(started.url, headers=headers).status_code in {404, 503}


def test_ctrl_c_stops_everything_and_leaves_nothing(started: Started) -> None:
    children = _descendants(started.process.pid)
    folders = {
        Path(found) for found in re.findall(rf"{re.escape(str(state_root()))}/run-\w+", " ".join(children.values()))
    }
    assert [folder.is_dir() for folder in folders] == [True]
    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(PATIENCE) == 0
    assert "Traceback" not in started.log.read_text()
    assert [command for pid, command in children.items() if start_time(pid)] == []
    assert not any(folder.exists() for folder in folders)


def test_a_kubeconfig_of_the_one_machine_cloud_is_not_a_real_cluster() -> None:
    own = state_root() / "run-x" / "kubernetes" / "kubeconfig"
    assert real_cluster_kubeconfig({"KUBECONFIG": str(own)}) is None
    assert real_cluster_kubeconfig({}) is None
    assert real_cluster_kubeconfig({"KUBECONFIG": "/somewhere/config"}) == Path("/somewhere/config")


def _descendants(pid: int) -> dict[int, str]:
    """Process id to command line of everything that a process has started."""
    found: dict[int, str] = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found |= _descendants(int(child))
    return found
