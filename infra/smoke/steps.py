"""The steps. Each performs one action of a user, and fails with the API's answer."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

STEPS: Final = ("build", "logs", "upload", "deploy", "metrics", "rollback", "delete")
"""Methods of `Smoke`, in the order in which they are tried; those before them only look."""
_WAIT: Final = 20
_SOURCE: Final = '''\
"""Made by the smoke test: {marker}."""

from spin_sdk import http
from spin_sdk.http import Request, Response


class IncomingHandler(http.IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {{"content-type": "text/plain"}}, bytes("{marker}", "utf-8"))
'''


class StepFailedError(Exception):
    """A step failed; the message has the answer."""


@dataclass
class Smoke:
    """One run. Later steps use what a step creates, and `delete` removes it."""

    http: httpx.Client
    workspace: str
    namespace: str | None
    patience: float
    """Seconds that a build, or a rollout, may take."""
    pause: float = 1.0
    """Seconds between two looks at an app."""
    app: str = field(default_factory=lambda: f"smoke-{secrets.token_hex(4)}")
    tasks: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    deployed: bool = False

    def has_cluster(self) -> bool:
        """Return whether the installation has a cluster: its OpenAPI document describes deploys."""
        return "/api/v1/deploy" in self._ask("GET", "/openapi.json")["paths"]

    def health(self) -> str:
        """Check that the API answers a request without identity."""
        answer = self.http.get("/health", auth=None)
        return str(_expect(answer, HTTPStatus.OK)["status"])

    def authorizer(self) -> str:
        """Check that the authorizer refuses a request without identity."""
        answer = self.http.get(f"/api/v1/workspaces/{self.workspace}/tasks", auth=None)
        if answer.status_code not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise StepFailedError(f"a caller without identity got HTTP {answer.status_code}")
        return f"HTTP {answer.status_code} to a caller without identity"

    def build(self) -> str:
        """Build an image from a source in the request."""
        answer = self.http.post(
            "/api/v1/build-and-push",
            files={"file": ("app.py", self._source("build"))},
            data={"workspace_id": self.workspace, "app_name": self.app},
        )
        return self._built(str(_expect(answer, HTTPStatus.ACCEPTED)["task_id"]))

    def logs(self) -> str:
        """Read the log of the build."""
        if not self.tasks:
            raise StepFailedError("there is no task to read the log of")
        answer = self._ask("GET", f"/api/v1/tasks/{self.tasks[0]}/logs", workspace_id=self.workspace)
        lines = answer.get("lines", [])
        if not lines:
            raise StepFailedError("the log is empty")
        return f"{len(lines)} lines"

    def upload(self) -> str:
        """Build an image from a source that is uploaded to S3."""
        content = self._source("upload")
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        body = {
            "workspace_id": self.workspace,
            "app_name": self.app,
            "file_name": "app.py",
            "size": len(content),
            "sha256": digest,
        }
        created = _expect(self.http.post("/api/v1/uploads", json=body), HTTPStatus.CREATED)
        target = created["upload"]
        sent = self.http.request(target["method"], target["url"], content=content, headers=target["headers"], auth=None)
        if not sent.is_success:
            raise StepFailedError(f"PUT {httpx.URL(target['url']).host}: HTTP {sent.status_code} {sent.text[:300]}")
        return self._built(str(created["task_id"]))

    def deploy(self) -> str:
        """Deploy the image and call the app."""
        self._deploy(self._image(0))
        return f"{self.namespace}/{self.app} serves"

    def metrics(self) -> str:
        """Read what is measured of the app: whether it is, and whether CloudWatch can be asked."""
        read = self._ask("GET", f"{self._app_path}/metrics")
        return "requests are measured" if read["measured"] else str(read["note"])

    def rollback(self) -> str:
        """Update the app, and roll it back."""
        self._deploy(self._image(1))
        self._ask("POST", f"{self._app_path}/rollback", json={})
        revisions = self._ask("GET", f"{self._app_path}/revisions")["revisions"]
        (current,) = [revision for revision in revisions if revision["current"]]
        if current["image"] != self._image(0):
            raise StepFailedError(f"revision {current['revision']} has image {current['image']}")
        self._serving()
        return f"revision {current['revision']} has the first image again"

    def delete(self) -> str:
        """Delete the app and the tasks, and check that they are gone."""
        if self.deployed:
            self._ask("DELETE", self._app_path)
            self.deployed = False
        removed = len(self.tasks)
        for task_id in list(self.tasks):
            path = f"/api/v1/tasks/{task_id}"
            if self._ask("DELETE", path, workspace_id=self.workspace)["outcome"] == "cancelled":
                self._ask("DELETE", path, workspace_id=self.workspace)
            self.tasks.remove(task_id)
            left = self.http.get(path, params={"workspace_id": self.workspace})
            if left.status_code != HTTPStatus.NOT_FOUND:
                raise StepFailedError(f"task {task_id} is still there: HTTP {left.status_code}")
        return f"{removed} tasks" + (f", app {self.app}" if self.namespace else "")

    def _source(self, step: str) -> bytes:
        # Never the same twice: an earlier build would answer for it, and nothing would be built.
        return _SOURCE.format(marker=f"{step} {secrets.token_hex(8)}").encode()

    def _built(self, task_id: str) -> str:
        self.tasks.append(task_id)
        for _ in _until(self.patience):
            task = self._ask("GET", f"/api/v1/tasks/{task_id}", workspace_id=self.workspace, wait=_WAIT)
            if task["status"] == "done":
                self.images.append(str(task["result"]["image_url"]))
                return self.images[-1]
            if task["status"] == "failed":
                raise StepFailedError(f"task {task_id} failed: {task['error']}")
        raise StepFailedError(f"task {task_id} is still {task['status']} after {self.patience:g} s")

    def _image(self, number: int) -> str:
        if len(self.images) <= number:
            raise StepFailedError("there is no image: a build before did not work")
        return self.images[number]

    def _deploy(self, image: str) -> None:
        body = {"namespace": self.namespace, "app_name": self.app, "image_ref": image, "wait": True}
        self.deployed = True
        self._ask("POST", "/api/v1/deploy", json=body)
        self._serving()

    def _serving(self) -> None:
        for _ in _until(self.patience):
            state = self._ask("GET", self._app_path)
            if state["status"] == "available":
                return
            time.sleep(self.pause)
        raise StepFailedError(f"{self.app} is {state['status']} after {self.patience:g} s: {state.get('error')}")

    @property
    def _app_path(self) -> str:
        return f"/api/v1/apps/{self.namespace}/{self.app}"

    def _ask(self, method: str, path: str, *, json: Any = None, **query: Any) -> dict[str, Any]:
        """Return the body of an answer, and fail if it is an error."""
        answer = self.http.request(method, path, json=json, params=query)
        if not answer.is_success:
            raise StepFailedError(_said(answer))
        body: dict[str, Any] = answer.json()
        return body


def _until(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    yield
    while time.monotonic() < deadline:
        yield


def _expect(answer: httpx.Response, status: HTTPStatus) -> dict[str, Any]:
    if answer.status_code != status:
        raise StepFailedError(_said(answer))
    body: dict[str, Any] = answer.json()
    return body


def _said(answer: httpx.Response) -> str:
    return f"{answer.request.method} {answer.request.url.path}: HTTP {answer.status_code} {answer.text[:500]}"
