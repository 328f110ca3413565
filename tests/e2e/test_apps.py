"""Apps over HTTP: what is said of them, their history, back to an earlier revision, deployment right after a build."""

import hashlib
import json
import time
from typing import Any

import httpx
import pytest

from tests.support.client import COMPONENT, PATIENCE, Client, spin_toml, zipped

SOURCE = zipped(**{"spin.toml": spin_toml(None, name="self-deployed"), "app.wasm": COMPONENT})
"""Quickly built; that a deployed image answers is shown in test_deployments.py."""


def app(cloud: Client, name: str, path: str = "") -> dict[str, Any]:
    answer = cloud.http.get(f"/api/v1/apps/default/{name}{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def available(cloud: Client, name: str, image: str) -> dict[str, Any]:
    """The app's state once it runs this image, and only this one."""
    until = time.monotonic() + PATIENCE
    while (state := app(cloud, name))["status"] != "available" or state["image"] != image:
        assert time.monotonic() < until, state
        time.sleep(0.2)
    return state


def test_state_history_rollback_and_deletion(cloud: Client, hello: str, counter: str) -> None:
    first = cloud.deploy(app_name="told", namespace="default", image_ref=hello, wait=True).json()
    assert (first["revision"], first["image"], first["image_checked"]) == (1, hello, True)
    assert first["rollout"]["status"] in ("complete", "progressing")  # the wait ends before API Gateway's time does
    available(cloud, "told", hello)
    second = cloud.deploy(app_name="told", namespace="default", image_ref=counter, wait=True).json()
    assert second["revision"] == 2

    state = available(cloud, "told", counter)
    assert (state["status"], state["image"], state["digest"]) == ("available", counter, second["digest"])
    assert state["replicas"]["ready"] >= 1
    assert state["events"]
    listed = cloud.http.get("/api/v1/apps", params={"namespace": "default"}).json()["apps"]
    assert "told" in [entry["app_name"] for entry in listed]

    back = cloud.http.post("/api/v1/apps/default/told/rollback", json={"wait": True})
    assert back.status_code == 200, back.text
    assert (back.json()["image"], back.json()["revision"]) == (hello, 3)
    available(cloud, "told", hello)
    assert cloud.call("told").text == "Hello from Blue FaaS!"
    revisions = app(cloud, "told", "/revisions")["revisions"]
    assert [(entry["revision"], entry["rollback_of"]) for entry in revisions] == [(3, 1), (2, None), (1, None)]
    assert {entry["deployed_by"] for entry in revisions} == {"anonymous"}

    assert cloud.http.delete("/api/v1/apps/default/told").status_code == 200
    assert cloud.http.get("/api/v1/apps/default/told").status_code == 404


def test_a_typo_in_the_image_is_refused(cloud: Client, hello: str) -> None:
    typo = f"{hello.rpartition(':')[0]}:typo"
    answer = cloud.deploy(app_name="typo", namespace="default", image_ref=typo)
    assert answer.status_code == 422
    assert typo in answer.json()["detail"]
    assert cloud.http.get("/api/v1/apps/default/typo").status_code == 404


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ("{", []),
        ({"app_name": "x"}, ["namespace"]),
        ({"namespace": "default", "image_ref": "a.example/b:c"}, ["image_ref"]),
        ({"namespace": "default", "app_name": "Not A Name"}, ["app_name"]),
    ],
)
def test_a_deploy_block_is_checked_before_anything_is_built(cloud: Client, block: Any, place: list[str]) -> None:
    text = block if isinstance(block, str) else json.dumps(block)
    answer = cloud.upload("app.zip", SOURCE, deploy=text)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "deploy", *place]


def test_a_build_that_deploys_itself(cloud: Client) -> None:
    block = json.dumps({"namespace": "default", "app_name": "self-deployed", "function_id": "fn-self"})
    task = deployed_task(cloud, SOURCE, block)
    assert task["status"] == "done"
    deployment = task["deployment"]
    assert (deployment["status"], deployment["app_name"], deployment["error"]) == ("deployed", "self-deployed", None)
    assert deployment["image"] == task["result"]["image_url"]
    assert deployment["digest"] == task["result"]["digest"]
    # The same source again: nothing is built, and it is deployed all the same.
    again = deployed_task(cloud, SOURCE, block)
    assert (again["result"]["cached"], again["deployment"]["status"]) == (True, "deployed")
    assert again["deployment"]["revision"] == 2


@pytest.mark.parametrize(
    ("block", "status", "said"),
    [
        ({"namespace": "not-there"}, 404, "Namespace 'not-there' not found"),
        ({"namespace": "default", "service_account": "nobody"}, 422, "ServiceAccount 'nobody' not found in namespace"),
    ],
)
def test_what_the_cluster_would_refuse_is_refused_before_the_build(
    cloud: Client, block: dict[str, Any], status: int, said: str
) -> None:
    before = len(cloud.rows())
    answer = cloud.upload("app.zip", SOURCE, workspace_id="refused-early", deploy=json.dumps(block))
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert len(cloud.rows()) == before


def test_a_deployment_that_fails_leaves_the_task_done(cloud: Client, hello: str) -> None:
    assert cloud.deploy(app_name="changed", namespace="default", image_ref=hello).status_code == 200
    source = zipped(**{"spin.toml": spin_toml(None, name="changed"), "app.wasm": COMPONENT})
    announced = cloud.http.post(
        "/api/v1/uploads",
        json={
            "workspace_id": "my-workspace",
            "file_name": "app.zip",
            "size": len(source),
            "sha256": hashlib.sha256(source).hexdigest(),
            "deploy": {"namespace": "default", "app_name": "changed", "max_replicas": 3},
        },
    ).json()
    # What the cluster had accepted when it was asked is no longer true when the build is done.
    off = cloud.deploy(app_name="changed", namespace="default", image_ref=hello, enable_autoscaling=False)
    assert off.status_code == 200, off.text
    target = announced["upload"]
    assert httpx.put(target["url"], content=source, headers=target["headers"]).status_code == 200
    failed = deployment_ended(cloud, announced["task_id"])
    assert (failed["status"], failed["deployment"]["status"]) == ("done", "failed")
    assert "max_replicas needs autoscaling on" in failed["deployment"]["error"]


def deployed_task(cloud: Client, source: bytes, block: str) -> dict[str, Any]:
    """The task once its deployment has come to an end."""
    return deployment_ended(cloud, cloud.start("app.zip", source, deploy=block))


def deployment_ended(cloud: Client, task_id: str) -> dict[str, Any]:
    """A task once its deployment has come to an end."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        task = cloud.task(task_id)
        if task["status"] == "failed" or (task["deployment"] or {}).get("status") in ("deployed", "failed"):
            return task
        time.sleep(0.2)
    raise AssertionError(f"not deployed in time: {task}")
