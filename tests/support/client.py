"""A client of a running cloud, as a platform team would write it: HTTP, the AWS APIs, the Kubernetes API."""

import io
import ssl
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from local.cloud.supervisor import Cloud
from local.kubernetes.kubeconfig import access_from_kubeconfig

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"
ENDED = ("done", "failed")
PATIENCE = 600.0
"""Seconds after which something does not come any more. Not how long it takes: that depends on what else runs."""
COMPONENT = b"\0asm\x0d\0\x01\0"
"""The smallest WebAssembly component: a header and nothing in it."""


class Client:
    """Calls a cloud; keeps what it saw of each task."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.url = cloud.url
        self.outputs = cloud.outputs
        self.repository = cloud.outputs["ImageRepository"]
        self.http = httpx.Client(base_url=cloud.url, timeout=60)
        self.states: dict[str, list[str]] = {}
        self._aws: dict[str, Any] = {}

    def aws(self, service: str) -> Any:
        """A boto3 client of the cloud's AWS APIs: the operator's."""
        if service not in self._aws:
            self._aws[service] = self.cloud.credentials.client(service, self.cloud.aws_endpoint, self.cloud.region)
        return self._aws[service]

    def cluster(self, path: str, **query: str) -> dict[str, Any]:
        """An object or list of the cloud's Kubernetes API, read as the cluster's admin."""
        return cluster_of(self.cloud.kubeconfig, path, **query)

    def ecr_password(self) -> str:
        """What ``aws ecr get-login-password`` prints on AWS."""
        return self.cloud.registry_password_file.read_text()

    def upload(self, name: str, content: bytes, *, workspace_id: str = "my-workspace", **fields: str) -> httpx.Response:
        """POST /api/v1/build-and-push."""
        return self.http.post(
            "/api/v1/build-and-push",
            files={"file": (name, content)},
            data={"workspace_id": workspace_id, **fields},
        )

    def start(self, name: str, content: bytes, **fields: str) -> str:
        """Upload something that is accepted; answers the task id."""
        answer = self.upload(name, content, **fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def drop(self, app_name: str, name: str, content: bytes, *, workspace_id: str = "my-workspace") -> str:
        """Put a source into the bucket, for an app that has none there yet; answers the task that comes of it."""
        key = f"uploads/{workspace_id}/{app_name}/{name}"
        self.aws("s3").put_object(Bucket=self.outputs["CodeBucket"], Key=key, Body=content)
        deadline = time.monotonic() + PATIENCE
        while True:
            for row in self.rows():
                if row["workspace_id"]["S"] == workspace_id and row.get("app_name", {}).get("S") == app_name:
                    return str(row["task_id"]["S"])
            assert time.monotonic() < deadline, "no task came of the object"
            time.sleep(0.1)

    def task(self, task_id: str, workspace_id: str = "my-workspace", wait: int = 0) -> dict[str, Any]:
        """GET /api/v1/tasks/{task_id}."""
        query: dict[str, Any] = {"workspace_id": workspace_id, "wait": wait}
        answer = self._waited_for(f"/api/v1/tasks/{task_id}", query)
        task: dict[str, Any] = answer.json()
        seen = self.states.setdefault(task_id, [])
        if not seen or seen[-1] != task["status"]:
            seen.append(task["status"])
        return task

    def _waited_for(self, path: str, query: dict[str, Any]) -> httpx.Response:
        """The answer to a request that may wait, once there is a place for it."""
        while (answer := self.http.get(path, params=query)).status_code == 429:
            time.sleep(float(answer.headers["retry-after"]))
        assert answer.status_code == 200, answer.text
        return answer

    def wait(self, task_id: str, workspace_id: str = "my-workspace") -> dict[str, Any]:
        """The task, ended."""
        deadline = time.monotonic() + PATIENCE
        while (task := self.task(task_id, workspace_id, wait=5))["status"] not in ENDED:
            assert time.monotonic() < deadline, f"still {task['status']} after {PATIENCE} s"
        return task

    def image(self, task_id: str, workspace_id: str = "my-workspace") -> str:
        """Image of a task that has to be done."""
        task = self.wait(task_id, workspace_id)
        assert task["status"] == "done", task["error"]
        return str(task["result"]["image_url"])

    def deploy(self, **body: Any) -> httpx.Response:
        """POST /api/v1/deploy."""
        return self.http.post("/api/v1/deploy", json=body)

    def call(self, app: str, path: str = "/", *, namespace: str = "default", **request: Any) -> httpx.Response:
        """Call a deployed function by its cluster name, once it is up."""
        deadline = time.monotonic() + PATIENCE
        headers = {"host": f"{app}.{namespace}.svc.cluster.local"}
        method = request.pop("method", "GET")
        while True:
            answer = self.http.request(method, path, headers=headers, **request)
            if answer.status_code not in (502, 503) or time.monotonic() > deadline:
                return answer
            time.sleep(0.1)

    @staticmethod
    def until(condition: Callable[[], Any]) -> None:
        """Wait for something."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.25)

    def call_until(self, app: str, wanted: Callable[[str], bool], path: str = "/") -> str:
        """Call a function until its answer is as wanted (a rolling update is under way); the answer."""
        deadline = time.monotonic() + PATIENCE
        while not wanted(answer := self.call(app, path).text):
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)
        return answer

    def rows(self) -> list[dict[str, Any]]:
        """Every row of the task table."""
        rows: list[dict[str, Any]] = self.aws("dynamodb").scan(TableName=self.outputs["TaskTable"])["Items"]
        return rows

    def keys(self, prefix: str = "") -> list[str]:
        """Every key in the code bucket below ``prefix``."""
        listed = self.aws("s3").list_objects_v2(Bucket=self.outputs["CodeBucket"], Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def executions(self) -> list[dict[str, Any]]:
        """Every execution of the build pipeline."""
        paginator = self.aws("stepfunctions").get_paginator("list_executions")
        pages = paginator.paginate(stateMachineArn=self.outputs["StateMachineArn"])
        return [execution for page in pages for execution in page["executions"]]

    def builds(self) -> list[dict[str, Any]]:
        """Every CodeBuild build, as BatchGetBuilds shows it."""
        codebuild = self.aws("codebuild")
        ids = codebuild.list_builds()["ids"]
        each = [ids[start : start + 100] for start in range(0, len(ids), 100)]
        return [build for some in each for build in codebuild.batch_get_builds(ids=some)["builds"]]

    def object_of(self, uri: str) -> bytes:
        """Content behind an ``s3://`` URI."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def build_log(self, task_id: str, workspace_id: str = "my-workspace") -> str:
        """GET /api/v1/tasks/{task_id}/logs, from the first line to the last."""
        lines: list[str] = []
        position: dict[str, str] = {}
        while True:
            query = {"workspace_id": workspace_id, "wait": "20", **position}
            answer = self._waited_for(f"/api/v1/tasks/{task_id}/logs", query)
            lines += [line["message"] for line in answer.json()["lines"]]
            if answer.json()["next"] is None:
                return "\n".join(lines)
            position = {"next": answer.json()["next"]}


def cluster_of(kubeconfig: Path, path: str, **query: str) -> dict[str, Any]:
    """An object or list of a Kubernetes API, read with a kubeconfig."""
    access = access_from_kubeconfig(kubeconfig)
    answer = httpx.get(
        access.url + path,
        params=query,
        headers={"authorization": f"Bearer {access.token}"},
        verify=ssl.create_default_context(cadata=str(access.ca)),
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def zipped(folder: Path | None = None, /, **files: bytes) -> bytes:
    """A .zip of a folder's files, or of ``files`` (name to content)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")) if folder else []:
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder or path))
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def spin_toml(command: str | None, source: str = "app.wasm", name: str = "app") -> bytes:
    """A manifest with one component and this build command."""
    build = f'\n[component.app.build]\ncommand = """{command}"""\n' if command is not None else ""
    return f"""spin_manifest_version = 2
[application]
name = "{name}"
version = "0.1.0"
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "{source}"
{build}""".encode()
