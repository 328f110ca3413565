"""``make local`` on the real control plane: from the upload of a source to its function's answer, and its removal.

The cloud has the kubeconfig of a user who is in the group ``blue-faas-deployer`` and has nothing else.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from conformance.control_plane.node import running_node
from conformance.control_plane.plane import LOGS, ControlPlane
from local.cloud.places import ROOT, state_root
from local.cloud.processes import free_port
from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.machinery.meta import is_true
from local.kubernetes.machinery.resources import (
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    PODS,
    SERVICES,
    SPIN_APPS,
    Json,
    Resource,
)
from local.kubernetes.ports import listening_ports

NAMESPACE: Final = "default"
APP: Final = "hello"
_SOURCE: Final = ROOT / "examples" / "hello" / "app.py"
_SECONDS: Final = 600.0


@dataclass
class Steps:
    """What has been seen, in order."""

    seen: list[str] = field(default_factory=list)

    def saw(self, step: str) -> None:
        """Note a step and show it."""
        self.seen.append(step)
        print(f"   {step}", flush=True)


class StepFailedError(Exception):
    """A step showed something else than it should; the text says what."""


def run(plane: ControlPlane, api: HttpApi, steps: Steps) -> None:
    """Build, deploy, call, roll back and delete an app over HTTP.

    Raises
    ------
    StepFailedError
        An answer or the cluster was not as it should be.
    """
    # Builds run as another user, who must be let through: the control plane's own folder is closed.
    state = state_root() / f"conformance-{os.getpid()}"
    with (
        _cloud(plane.kubeconfig("deployer"), state) as http,
        running_node(api, plane.folder / "node", state / "node-mirrors.json", state / "node-docker.json"),
    ):
        first, second = _build(http, "v1"), _build(http, "v2")
        steps.saw("two versions built and pushed")
        _deploy(http, first)
        _answers(api, "v1")
        steps.saw("the first version deployed: it answers")
        _deploy(http, second)
        _answers(api, "v2")
        steps.saw("an update rolled out: the second answers")
        _ok(http.post(f"/api/v1/apps/{NAMESPACE}/{APP}/rollback", json={}))
        _answers(api, "v1")
        steps.saw("a rollback brought the first version back")
        shown = _ok(http.get(f"/api/v1/apps/{NAMESPACE}/{APP}"))
        if (shown["service_status"], shown["status"], shown["error"]) != ("found", "available", None):
            raise StepFailedError(f"GET of the app says {shown}")
        _ok(http.delete(f"/api/v1/apps/{NAMESPACE}/{APP}"))
        for resource in (SPIN_APPS, DEPLOYMENTS, SERVICES, HORIZONTAL_POD_AUTOSCALERS):
            _until(lambda kind=resource: not _exists(api, kind), f"{resource.kind} {APP} goes")  # type: ignore[misc]
        _until(lambda: not _pods(api), "the app's pods go")
        steps.saw("deleted: SpinApp, Deployment, Service, autoscaler and pods are gone")


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
            _until(lambda: "is ready at" in log.read_text() or process.poll() is not None, "make local comes up")
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


def _build(http: httpx.Client, text: str) -> str:
    """Build a version that answers ``text``; returns its image."""
    source = _SOURCE.read_text("utf-8").replace("Hello", text)
    upload = {"files": {"file": ("app.py", source)}, "data": {"workspace_id": "conformance", "app_name": APP}}
    task = _ok(http.post("/api/v1/build-and-push", **upload))["task_id"]  # type: ignore[arg-type]
    query: dict[str, Any] = {"workspace_id": "conformance", "wait": 20}
    deadline = time.monotonic() + _SECONDS
    while (state := _ok(http.get(f"/api/v1/tasks/{task}", params=query)))["status"] not in ("done", "failed"):
        if time.monotonic() > deadline:
            raise StepFailedError(f"the build is still {state['status']} after {_SECONDS:.0f} s")
    if state["status"] == "failed":
        raise StepFailedError(f"the build failed: {state['error']}")
    return str(state["result"]["image_url"])


def _deploy(http: httpx.Client, image: str) -> None:
    body = {"namespace": NAMESPACE, "image_ref": image, "app_name": APP, "wait": True}
    _ok(http.post("/api/v1/deploy", json=body))


def _answers(api: HttpApi, text: str) -> None:
    """Wait until every ready pod of the app answers ``text``."""

    def all_say_so() -> bool:
        pods = [pod for pod in _pods(api) if is_true(pod.get("status", {}).get("conditions"), "Ready")]
        answers = [_ask(pod) for pod in pods]
        return bool(answers) and all(text in answer for answer in answers)

    _until(all_say_so, f"the app answers {text}")


def _ask(pod: Json) -> str:
    """Return a pod's answer, from where the node says that it listens: a Service has no loopback endpoints."""
    (port,) = listening_ports(pod).values()
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=20, trust_env=False).text
    except httpx.HTTPError:
        return ""


def _pods(api: HttpApi) -> list[Json]:
    items: list[Json] = api.list(PODS, NAMESPACE, labelSelector=f"core.spinkube.dev/app-name={APP}")["items"]
    return items


def _exists(api: HttpApi, resource: Resource) -> bool:
    try:
        api.get(resource, NAMESPACE, APP)
    except ApiError as error:
        if error.code != 404:
            raise
        return False
    return True


def _ok(response: httpx.Response) -> Json:
    if not response.is_success:
        raise StepFailedError(f"{response.request.method} {response.request.url.path}: {response.text[:1000]}")
    body: Json = response.json() if response.content else {}
    return body


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise StepFailedError(f"not within {_SECONDS:.0f} s: {what}")
        time.sleep(0.2)
