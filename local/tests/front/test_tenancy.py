"""docs/tenancy.md on clouds that hold callers to the policy: its commands work, and two teams do not see each other."""

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from botocore.credentials import Credentials

from local.cloud.issuer import ADMINISTRATOR
from local.cloud.supervisor import Cloud
from local.tests.front.callers import ROOT, api_arn, keys, mint, operator, role_arn, run, session, signed
from tests.support.client import COMPONENT, cluster_of

NAMESPACE = "default"
PATIENCE = 300.0
MANIFEST = """
spin_manifest_version = 2
[application]
name = "{name}"
[[trigger.http]]
route = "/..."
component = "app"
[component.app]
source = "app.wasm"
"""


@dataclass
class Team:
    """A role, its workspace, and calls in its name."""

    cloud: Cloud
    credentials: Credentials
    workspace_id: str

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a signed request."""
        content = b"" if body is None else json.dumps(body).encode()
        with httpx.Client(timeout=60) as client:
            return client.send(signed(self.cloud, self.credentials, method, path, content))

    def build(self, app_name: str, **fields: str) -> httpx.Response:
        """Upload an app that nothing has to be built of."""
        fields = {"workspace_id": self.workspace_id, **fields}
        form = httpx.Request("POST", self.cloud.url, data=fields, files={"file": ("app.zip", app(app_name))})
        request = signed(self.cloud, self.credentials, "POST", "/api/v1/build-and-push", form.read())
        request.headers["content-type"] = form.headers["content-type"]
        with httpx.Client(timeout=60) as client:
            return client.send(request)

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task that has ended."""
        deadline = time.monotonic() + PATIENCE
        while True:
            task: dict[str, Any] = self.ask(
                "GET", f"/api/v1/tasks/{task_id}?wait=20&workspace_id={self.workspace_id}"
            ).json()
            if task["status"] in ("done", "failed"):
                return task
            assert time.monotonic() < deadline, task

    def image(self, app_name: str) -> str:
        """Build an app; return its image."""
        task = self.task(self.build(app_name).json()["task_id"])
        assert task["status"] == "done", task["error"]
        return str(task["result"]["image_url"])

    def deploy(self, app_name: str, image: str) -> httpx.Response:
        """Run an image."""
        return self.ask("POST", "/api/v1/deploy", {"namespace": NAMESPACE, "app_name": app_name, "image_ref": image})

    def apps(self) -> list[str]:
        """List the team's apps."""
        apps = self.ask("GET", f"/api/v1/apps?namespace={NAMESPACE}").json()["apps"]
        return [app["app_name"] for app in apps]


def app(name: str) -> bytes:
    """Return an upload with a component that is made already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("spin.toml", MANIFEST.format(name=name))
        archive.writestr("app.wasm", COMPONENT)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def teams(iam: Cloud) -> tuple[Team, Team]:
    """Make two roles with a workspace each, in one namespace."""
    made = []
    for name in ("one", "two"):
        team = Team(iam, session(iam, f"team-{name}", api_arn(iam, "*")), f"workspace-{name}")
        policy = {"principals": [role_arn(iam, f"team-{name}")], "namespaces": [NAMESPACE]}
        administrator = Team(iam, operator(iam), "")
        administrator.ask("PUT", f"/api/v1/admin/workspaces/{team.workspace_id}", policy).raise_for_status()
        made.append(team)
    return made[0], made[1]


def test_the_documented_commands_of_an_administrator(iam: Cloud) -> None:
    page, workspace = "tenancy.md", "made-by-the-page"
    made, read, own = run(iam, "With a signature", page, workspace, **keys(operator(iam)))
    assert made == read
    assert (made["version"], made["namespaces"]) == (1, [NAMESPACE])
    assert made["workspace_id"] in [each["workspace_id"] for each in own["workspaces"]]
    assert own["administrator"] is True


def test_the_documented_commands_with_a_token(jwt: Cloud) -> None:
    tokens = {"ADMINISTRATOR_TOKEN": mint(jwt, sub=ADMINISTRATOR), "TOKEN": mint(jwt, groups=["team-a", "x"])}
    made, own = run(jwt, "With a token", "tenancy.md", "made-by-the-page", **tokens)
    assert [each["workspace_id"] for each in own["workspaces"]] == [made["workspace_id"]]
    assert own["administrator"] is False


def test_an_administrator_deletes_a_workspace(iam: Cloud) -> None:
    administrator = Team(iam, operator(iam), "")
    path = "/api/v1/admin/workspaces/not-for-long"
    assert administrator.ask("PUT", path, {"version": 0}).status_code == 200
    assert administrator.ask("PUT", path, {"version": 0}).status_code == 409
    assert administrator.ask("DELETE", path).status_code == 200
    assert administrator.ask("GET", path).status_code == 404


def test_a_policy_needs_callers() -> None:
    environment = {**os.environ, "TENANCY": "policy", "AUTHORIZER": ""}
    command = [sys.executable, "-m", "local", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "TENANCY=policy needs AUTHORIZER" in done.stderr


def test_two_teams_in_one_namespace(teams: tuple[Team, Team]) -> None:
    one, two = teams
    image = one.image("app-of-one")
    assert image.endswith(f"-{one.workspace_id}")
    assert one.deploy("app-of-one", image).status_code == 200
    refused = two.deploy("app-of-two", image)
    assert (refused.status_code, "not found" in refused.json()["detail"]) == (422, True)
    own = two.image("app-of-two")
    assert two.deploy("app-of-one", own).status_code == 404
    for method, rest in (("GET", ""), ("GET", "/revisions"), ("POST", "/rollback"), ("DELETE", "")):
        assert two.ask(method, f"/api/v1/apps/{NAMESPACE}/app-of-one{rest}").status_code == 404
    assert two.deploy("app-of-two", own).status_code == 200
    assert (one.apps(), two.apps()) == (["app-of-one"], ["app-of-two"])
    spin_app = cluster_of(
        one.cloud.kubeconfig, f"/apis/core.spinkube.dev/v1alpha1/namespaces/{NAMESPACE}/spinapps/app-of-one"
    )
    assert spin_app["metadata"]["labels"]["blue-faas/workspace"] == one.workspace_id
    digest = one.ask("GET", f"/api/v1/apps/{NAMESPACE}/app-of-one").json()["digest"]
    assert two.deploy("app-of-two", f"{image.rpartition(':')[0]}@{digest}").status_code == 422


def test_a_task_is_its_teams_alone(teams: tuple[Team, Team]) -> None:
    one, two = teams
    task_id = one.build("task-of-one").json()["task_id"]
    assert one.task(task_id)["status"] == "done"
    for method, path in (
        ("GET", f"/api/v1/tasks/{task_id}?workspace_id={one.workspace_id}"),
        ("GET", f"/api/v1/tasks/{task_id}?workspace_id={two.workspace_id}"),
        ("GET", f"/api/v1/tasks/{task_id}/logs?workspace_id={one.workspace_id}"),
        ("DELETE", f"/api/v1/tasks/{task_id}?workspace_id={one.workspace_id}"),
        ("GET", f"/api/v1/workspaces/{one.workspace_id}/tasks"),
    ):
        assert two.ask(method, path).status_code == 404, path


def test_a_build_deploys_in_its_teams_name(teams: tuple[Team, Team]) -> None:
    one, _ = teams
    elsewhere = one.build("elsewhere", deploy='{"namespace": "kube-system"}')
    assert (elsewhere.status_code, elsewhere.json()["detail"]) == (404, "Namespace 'kube-system' not found")
    block = json.dumps({"namespace": NAMESPACE, "app_name": "deployed-by-a-build"})
    task_id = one.build("deployed-by-a-build", deploy=block).json()["task_id"]
    deadline = time.monotonic() + PATIENCE
    while (task := one.task(task_id))["deployment"]["status"] == "pending":
        assert time.monotonic() < deadline, task
        time.sleep(0.2)
    assert task["deployment"]["status"] == "deployed", task
    assert "deployed-by-a-build" in one.apps()


def test_an_object_is_built_in_a_workspace_that_there_is(teams: tuple[Team, Team]) -> None:
    one, _ = teams
    s3 = one.cloud.credentials.client("s3", one.cloud.aws_endpoint, one.cloud.region)
    for workspace_id in ("nobodys-workspace", one.workspace_id):
        key = f"uploads/{workspace_id}/dropped/app.zip"
        s3.put_object(Bucket=one.cloud.outputs["CodeBucket"], Key=key, Body=app("dropped"))
    deadline = time.monotonic() + PATIENCE
    while not any(
        task["app_name"] == "dropped"
        for task in one.ask("GET", f"/api/v1/workspaces/{one.workspace_id}/tasks").json()["tasks"]
    ):
        assert time.monotonic() < deadline, "no task came of the object"
        time.sleep(0.2)
    table = one.cloud.credentials.client("dynamodb", one.cloud.aws_endpoint, one.cloud.region)
    items = table.scan(TableName=one.cloud.outputs["TaskTable"])["Items"]
    assert not [item for item in items if item["workspace_id"]["S"].startswith("nobodys-workspace")]
