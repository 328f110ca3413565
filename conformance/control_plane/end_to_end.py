"""``make local`` on the real control plane: from the upload of a source to its function's answer, and its removal."""

from dataclasses import dataclass, field
from typing import Final

import httpx

from conformance.control_plane.cloud import build, running_cloud
from conformance.control_plane.plane import ControlPlane
from conformance.control_plane.waiting import StepFailedError, found, ok, until
from local.kubernetes.machinery.http_api import HttpApi
from local.kubernetes.machinery.meta import is_true
from local.kubernetes.machinery.resources import (
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    PODS,
    SERVICES,
    SPIN_APPS,
    Json,
)
from local.kubernetes.ports import listening_ports

NAMESPACE: Final = "default"
APP: Final = "hello"


@dataclass
class Steps:
    """What has been seen, in order."""

    seen: list[str] = field(default_factory=list)

    def saw(self, step: str) -> None:
        """Note a step and show it."""
        self.seen.append(step)
        print(f"   {step}", flush=True)


def run(plane: ControlPlane, api: HttpApi, steps: Steps) -> None:
    """Build, deploy, call, roll back and delete an app over HTTP.

    Raises
    ------
    StepFailedError
        An answer or the cluster was not as it should be.
    """
    with running_cloud(plane, api) as http:
        first, second = build(http, APP, "v1"), build(http, APP, "v2")
        steps.saw("two versions built and pushed")
        _deploy(http, first)
        _answers(api, "v1")
        steps.saw("the first version deployed: it answers")
        _deploy(http, second)
        _answers(api, "v2")
        steps.saw("an update rolled out: the second answers")
        ok(http.post(f"/api/v1/apps/{NAMESPACE}/{APP}/rollback", json={}))
        _answers(api, "v1")
        steps.saw("a rollback brought the first version back")
        shown = ok(http.get(f"/api/v1/apps/{NAMESPACE}/{APP}"))
        if (shown["service_status"], shown["status"], shown["error"]) != ("found", "available", None):
            raise StepFailedError(f"GET of the app says {shown}")
        ok(http.delete(f"/api/v1/apps/{NAMESPACE}/{APP}"))
        for resource in (SPIN_APPS, DEPLOYMENTS, SERVICES, HORIZONTAL_POD_AUTOSCALERS):
            until(lambda kind=resource: found(api, kind, NAMESPACE, APP) is None, f"{resource.kind} {APP} goes")  # type: ignore[misc]
        until(lambda: not _pods(api), "the app's pods go")
        steps.saw("deleted: SpinApp, Deployment, Service, autoscaler and pods are gone")


def _deploy(http: httpx.Client, image: str) -> None:
    body = {"namespace": NAMESPACE, "image_ref": image, "app_name": APP, "wait": True}
    ok(http.post("/api/v1/deploy", json=body))


def _answers(api: HttpApi, text: str) -> None:
    """Wait until every ready pod of the app answers ``text``."""

    def all_say_so() -> bool:
        pods = [pod for pod in _pods(api) if is_true(pod.get("status", {}).get("conditions"), "Ready")]
        answers = [_ask(pod) for pod in pods]
        return bool(answers) and all(text in answer for answer in answers)

    until(all_say_so, f"the app answers {text}")


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
