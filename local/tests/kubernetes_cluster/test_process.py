"""``python -m local.kubernetes`` as a process: ready file, kubeconfig, clean end, cleaning up after a crash."""

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cloud.places import ROOT
from local.kubernetes.kubeconfig import access_from_kubeconfig
from local.kubernetes.kubelet.leftovers import start_time
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.machinery.resources import PODS, RUNTIME_CLASSES, SPIN_APP_EXECUTORS, SPIN_APPS, Json
from local.tests.kubernetes_cluster.world import HEALTH, eventually, image
from tests.support.components import COMPILED

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The cluster's folder."""
    return tmp_path / "state"


@pytest.fixture
def start(state: Path, mirrors: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the process and waits for its ready file; ends what is left with the test."""
    processes: list[subprocess.Popen[bytes]] = []
    ready = tmp_path / "ready.json"

    def run() -> subprocess.Popen[bytes]:
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "local.kubernetes", "--state-dir", str(state), "--ready-file", str(ready)]
        command += ["--mirrors", str(mirrors), "--compile-cache", str(COMPILED)]
        processes.append(subprocess.Popen(command, cwd=ROOT))
        eventually(ready.exists, "the cluster is ready")
        return processes[-1]

    yield run
    for process in processes:
        process.terminate()
        process.wait()


def ready_pod(api: HttpApi) -> Json | None:
    """The one pod, once it is ready."""
    pods = api.list(PODS, "default")["items"]
    ready = [pod for pod in pods if (pod.get("status", {}).get("containerStatuses") or [{}])[0].get("ready")]
    return ready[0] if ready else None


def function_pids(state: Path) -> list[int]:
    """pids of the function processes that the kubelet has on record."""
    return [json.loads(path.read_text())["pid"] for path in (state / "node" / "processes").glob("*.json")]


def test_start_work_stop_and_start_again(start: Start, state: Path, tmp_path: Path) -> None:
    process = start()
    info = json.loads((tmp_path / "ready.json").read_text())
    kubeconfig = Path(info["kubeconfig"])
    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    access = access_from_kubeconfig(kubeconfig)
    assert access.url == info["endpoint"]
    assert base64.b64decode(info["ca_data"]).decode() == access.ca
    api = HttpApi(access)
    assert {item["metadata"]["name"] for item in api.list(SPIN_APP_EXECUTORS, "default")["items"]} == {
        *("spot", "on-demand"),
    }
    handlers = {item["metadata"]["name"]: item["handler"] for item in api.list(RUNTIME_CLASSES)["items"]}
    assert handlers == dict.fromkeys(("spin-spot", "spin-on-demand", "wasmtime-spin-v2"), "spin")
    spec = {"executor": "spot", "image": image("v1"), "replicas": 1, "checks": HEALTH}
    api.create(SPIN_APPS, "default", {"metadata": {"name": "kept"}, "spec": spec})
    eventually(lambda: ready_pod(api), "the app is up")
    (pid,) = function_pids(state)

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert start_time(pid) is None, "the function process outlived its cluster"
    assert not (tmp_path / "ready.json").exists()

    start()
    api = HttpApi(access_from_kubeconfig(kubeconfig))
    pod = eventually(lambda: ready_pod(api), "the app is up again")
    assert pod is not None
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1


def test_functions_end_with_a_cluster_that_is_killed(start: Start, state: Path) -> None:
    process = start()
    api = HttpApi(access_from_kubeconfig(state / "kubeconfig"))
    spec = {"executor": "spot", "image": image("v1"), "replicas": 1, "checks": HEALTH}
    api.create(SPIN_APPS, "default", {"metadata": {"name": "orphan"}, "spec": spec})
    eventually(lambda: ready_pod(api), "the app is up")
    (pid,) = function_pids(state)
    process.kill()
    process.wait()
    eventually(lambda: start_time(pid) is None, "nothing is left of it")


def test_a_wrong_command_line_is_explained(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.kubernetes", "--state-dir", str(tmp_path), "--manifests", "/nowhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "/nowhere is not a folder" in done.stderr


def test_a_taken_port_is_explained(start: Start, state: Path, tmp_path: Path) -> None:
    start()
    port = access_from_kubeconfig(state / "kubeconfig").url.rpartition(":")[2]
    command = [sys.executable, "-m", "local.kubernetes", "--state-dir", str(tmp_path / "second"), "--port", port]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot start" in done.stderr
    assert "Traceback" not in done.stderr
