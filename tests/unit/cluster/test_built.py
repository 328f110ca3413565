"""State Deploy of the build pipeline: a build that is done goes to the cluster, and the task learns what came of it."""

import json
from typing import Any

import pytest

from functions.api.deploy_block import parse_block
from functions.cluster.resources import SPIN_APPS
from functions.handlers import deploy as deploy_function
from functions.tasks.deployment import block_for_row
from functions.tenancy.workspace import Workspace
from tests.unit.cluster.conftest import CALLER, IMAGE, Context, Deploy, Eks, deployed
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

STATE_INPUT = {"workspace_id": "team", "task_id": "0192"}


def text(value: str) -> dict[str, str]:
    return {"S": value}


def row(namespace: str, image: str = IMAGE, **fields: Any) -> dict[str, Any]:
    """A task that is done, as DynamoDB has it."""
    workspace = Workspace(STATE_INPUT["workspace_id"], None)
    options = parse_block(json.dumps({"namespace": namespace, **fields}))
    block = block_for_row(options, workspace, CALLER, deploys=True)
    return {
        **{name: text(value) for name, value in STATE_INPUT.items()},
        "source_key": text("build-sources/team/0192/app.py"),
        "image_repository": text("registry.example.com/app"),
        "created_at": text("2026-01-01T00:00:00.000Z"),
        "updated_at": text("2026-01-01T00:10:00.000Z"),
        "expires_at": {"N": "1800000000"},
        "status": text("done"),
        "deploy": {"M": {name: text(value) for name, value in block.model_dump(exclude_none=True).items()}},
        "result": {"M": {"image_url": text(image), "wasm_path": text("s3://bucket/app.wasm")}},
    }


def run() -> dict[str, Any]:
    answer: dict[str, Any] = deploy_function.handler(dict(STATE_INPUT), Context())
    return answer


def test_a_build_is_deployed_as_its_block_says(eks: Eks, kubectl: Administrator, call: Deploy) -> None:
    eks.row = row(kubectl.namespace, app_name="my-function", use_spot=False, variables={"a": "1"})
    answer = run()
    assert (answer["app_name"], answer["image"], answer["revision"]) == ("my-function", IMAGE, 1)
    spec = kubectl.get(SPIN_APPS, "my-function")["spec"]
    assert (spec["image"], spec["executor"]) == (deployed(IMAGE), "on-demand")
    assert spec["variables"] == [{"name": "a", "value": "1"}]
    assert call("GET", "/my-function/revisions").body["revisions"][0]["deployed_by"] == CALLER
    json.dumps(answer)


def test_an_update_keeps_what_the_block_does_not_name(eks: Eks, kubectl: Administrator, deploy: Deploy) -> None:
    deploy(app_name="my-function", enable_autoscaling=False, replicas=3, use_spot=False)
    eks.row = row(kubectl.namespace, IMAGE.replace("a1b2c3d4", "v2"), app_name="my-function")
    assert run()["revision"] == 2
    spec = kubectl.get(SPIN_APPS, "my-function")["spec"]
    assert (spec["replicas"], spec["enableAutoscaling"], spec["executor"]) == (3, False, "on-demand")


@pytest.mark.parametrize("image", ["registry.example.com/Upper:v1", "no-host:v1"])
def test_an_image_that_no_deploy_takes(eks: Eks, kubectl: Administrator, image: str) -> None:
    eks.row = row(kubectl.namespace, image)
    assert image in run()["error"]


def test_a_namespace_that_is_not_there(eks: Eks, kubectl: Administrator) -> None:
    eks.row = row("missing")
    assert run() == {"error": "Namespace 'missing' not found"}


def test_a_cluster_that_fails(eks: Eks, kubectl: Administrator, server: KubernetesServer) -> None:
    server.fail(verb="create", plural="spinapps", status=500, times=9)
    eks.row = row(kubectl.namespace)
    assert "Could not create SpinApp" in run()["error"]


@pytest.mark.parametrize("missing", ["deploy", "result"])
def test_a_task_with_nothing_to_deploy(eks: Eks, kubectl: Administrator, missing: str) -> None:
    eks.row = row(kubectl.namespace)
    del eks.row[missing]
    assert "nothing to deploy" in run()["error"]
