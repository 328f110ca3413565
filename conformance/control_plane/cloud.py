"""``make local`` on a real control plane, and a node for what it deploys.

The cloud has the kubeconfig of a user who is in the group ``blue-faas-deployer`` and has nothing else.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from conformance.control_plane.node import running_node
from conformance.control_plane.plane import LOGS, ControlPlane
from conformance.control_plane.waiting import SECONDS, StepFailedError, ok, until
from local.cloud.places import ROOT, state_root
from local.cloud.processes import free_port
from local.kubernetes.machinery.http_api import HttpApi

_SOURCE: Final = ROOT / "examples" / "hello" / "app.py"


@contextmanager
def running_cloud(plane: ControlPlane, api: HttpApi) -> Iterator[httpx.Client]:
    """Run both; yields a client of the cloud's API."""
    # Builds run as another user, who must be let through: the control plane's own folder is closed.
    state = state_root() / f"conformance-{os.getpid()}"
    with (
        _cloud(plane.kubeconfig("deployer"), state) as http,
        running_node(api, plane.folder / "node", state / "node-mirrors.json", state / "node-docker.json"),
    ):
        yield http


def build(http: httpx.Client, app_name: str, text: str) -> str:
    """Build a version of an app that answers ``text``; returns its image."""
    source = _SOURCE.read_text("utf-8").replace("Hello", text)
    upload = {"files": {"file": ("app.py", source)}, "data": {"workspace_id": "conformance", "app_name": app_name}}
    task = ok(http.post("/api/v1/build-and-push", **upload))["task_id"]  # type: ignore[arg-type]
    query: dict[str, Any] = {"workspace_id": "conformance", "wait": 20}
    deadline = time.monotonic() + SECONDS
    while (state := ok(http.get(f"/api/v1/tasks/{task}", params=query)))["status"] not in ("done", "failed"):
        if time.monotonic() > deadline:
            raise StepFailedError(f"the build is still {state['status']} after {SECONDS:.0f} s")
    if state["status"] == "failed":
        raise StepFailedError(f"the build failed: {state['error']}")
    return str(state["result"]["image_url"])


@contextmanager
def _cloud(kubeconfig: Path, state: Path) -> Iterator[httpx.Client]:
    """``make local`` with KUBECONFIG, until it is stopped as by Ctrl-C."""
    port = free_port()
    log = LOGS / "local.log"
    command = [sys.executable, "-m", "local", "--port", str(port), "--state-dir", str(state)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, stdout=output, stderr=output
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            until(lambda: "is ready at" in log.read_text() or process.poll() is not None, "make local comes up")
            if process.poll() is not None:
                raise StepFailedError(f"make local ended: {log.read_text()[-2000:]}")
            yield http
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(state, ignore_errors=True)
