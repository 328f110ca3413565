"""What tests do to a cluster, in the words of its users."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx

from local.kubernetes.api.errors import ApiError
from local.kubernetes.machinery.api import Key
from local.kubernetes.machinery.http_api import ApiAccess, HttpApi
from local.kubernetes.machinery.resources import DEPLOYMENTS, EVENTS, PODS, SPIN_APPS, Json, Resource
from local.tests.kubernetes_cluster.registry import Registry

HOST = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com"
PATIENCE_SECONDS = 300
Found = TypeVar("Found")
HEALTH = {"readiness": {"httpGet": {"path": "/.well-known/spin/health", "httpHeaders": []}}}


def image(tag: str, name: str = "blue-faas-app") -> str:
    """An image reference as on AWS."""
    return f"{HOST}/{name}:{tag}"


def eventually(look: Callable[[], Found | Literal[False] | None], what: str) -> Found:
    """Look until there is something; the test fails when nothing comes."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < end, f"did not happen: {what}"
        time.sleep(0.1)
    return found


@dataclass
class World:
    """A cluster, its registry and its router, as tests see them."""

    access: ApiAccess
    api: HttpApi
    registry: Registry
    router_url: str
    client: httpx.Client
    processes: Path
    """The kubelet's records of function processes."""
    counted: list[tuple[Key, int, float]]
    """Requests that the router has told of."""

    def app(self, name: str, tag: str, **spec: Any) -> Json:
        """Create a SpinApp."""
        body = {"executor": "on-demand", "image": image(tag), "replicas": 1, "checks": HEALTH, **spec}
        if body.get("enableAutoscaling"):
            del body["replicas"]
        return self.api.create(SPIN_APPS, "default", {"metadata": {"name": name}, "spec": body})

    def change(self, name: str, **spec: Any) -> Json:
        """Change fields of a SpinApp."""
        return self.api.patch(SPIN_APPS, "default", name, {"spec": spec})

    def discard(self, name: str) -> None:
        """Delete a SpinApp that the test is done with; its pods go while the next test runs."""
        self.api.delete(SPIN_APPS, "default", name)

    def delete(self, name: str) -> None:
        """Delete a SpinApp and wait until nothing of it is left."""
        self.discard(name)
        eventually(lambda: not self.pods(name), f"the pods of {name} are gone")

    def call(self, name: str, path: str = "/", method: str = "GET", **more: Any) -> httpx.Response:
        """Send a request to an app through the router."""
        headers = {"Host": f"{name}.default.svc.cluster.local", **more.pop("headers", {})}
        return self.client.request(method, f"{self.router_url}{path}", headers=headers, **more)

    def answers(self, name: str, text: str) -> httpx.Response:
        """Wait until an app gives this answer."""

        def look() -> httpx.Response | None:
            response = self.call(name)
            return response if response.status_code == 200 and response.text == text else None

        return eventually(look, f"{name} answers {text!r}")

    def pods(self, name: str) -> list[Json]:
        """The pods of an app."""
        items: list[Json] = self.api.list(PODS, "default", labelSelector=f"core.spinkube.dev/app-name={name}")["items"]
        return items

    def waiting(self, name: str, reason: str) -> Json:
        """Wait until the app's pod waits for this reason; returns the container's status."""

        def look() -> Json | None:
            for pod in self.pods(name):
                for status in pod.get("status", {}).get("containerStatuses") or []:
                    if status["state"].get("waiting", {}).get("reason") == reason:
                        found: Json = status
                        return found
            return None

        return eventually(look, f"{name} waits because of {reason}")

    def function_pids(self, name: str) -> list[int]:
        """pids of an app's function processes."""
        uids = [pod["metadata"]["uid"] for pod in self.pods(name)]
        records = [path for uid in uids for path in self.processes.glob(f"{uid}-*.json")]
        return [int(json.loads(path.read_text())["pid"]) for path in records]

    def kill(self, pid: int) -> None:
        """End a process the hard way."""
        os.kill(pid, signal.SIGKILL)

    def get(self, resource: Resource, name: str, namespace: str = "default") -> Json | None:
        """An object, or None."""
        try:
            return self.api.get(resource, namespace if resource.namespaced else None, name)
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def text(self, path: str) -> str:
        """The body of a GET on the API server."""
        return self.api.text(path)

    def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) of every event about an app's objects."""
        items = self.api.list(EVENTS, "default")["items"]
        return [
            (event["reason"], event["message"])
            for event in items
            if event["involvedObject"]["name"] == name or event["involvedObject"]["name"].startswith(f"{name}-")
        ]

    def event(self, name: str, reason: str, text: str = "") -> str:
        """Wait for an event; returns its message."""

        def look() -> str | None:
            found = (message for why, message in self.events(name) if why == reason and text in message)
            return next(found, None)

        return eventually(look, f"event {reason} {text!r} about {name}")

    def rolled_out(self, name: str) -> Json:
        """Wait until the rollout of what the SpinApp says is complete; returns the Deployment."""

        def look() -> Json | None:
            deployment = self.get(DEPLOYMENTS, name)
            app = self.api.get(SPIN_APPS, "default", name)["spec"]
            if deployment is None or app["image"] != deployment["spec"]["template"]["spec"]["containers"][0]["image"]:
                return None
            if app.get("replicas") not in (None, deployment["spec"]["replicas"]):
                return None
            status = deployment.get("status", {})
            if status.get("observedGeneration") != deployment["metadata"]["generation"]:
                return None
            wanted = deployment["spec"]["replicas"]
            counts = [status.get(field) or 0 for field in ("updatedReplicas", "replicas", "availableReplicas")]
            return deployment if counts == [wanted] * 3 else None

        return eventually(look, f"the rollout of {name} is complete")
