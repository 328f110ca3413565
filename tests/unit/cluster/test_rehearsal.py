"""What the build API asks before a build: would the deploy block be carried out now? Nothing is written for it."""

import json
from typing import Any

import pytest

from functions.api.deploy_block import parse_block
from functions.cluster.resources import AUTOSCALERS, SERVICES, SPIN_APPS
from functions.handlers import deploy as deploy_function
from functions.models.rehearsal import Rehearsal, RehearsalAnswer
from functions.tasks.deployment import block_for_row
from functions.tenancy.workspace import Workspace
from tests.unit.cluster.conftest import CALLER, POLICY_TABLE, Context, Deploy, Eks
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

WORKSPACE = "team"
ACCEPTED = RehearsalAnswer()


def rehearse(namespace: str, **fields: Any) -> RehearsalAnswer:
    options = parse_block(json.dumps({"namespace": namespace, **fields}))
    block = block_for_row(options, Workspace(WORKSPACE, None), CALLER, deploys=True)
    asked = Rehearsal(workspace_id=WORKSPACE, block=block, image_repository="registry.example.com/app")
    return RehearsalAnswer.model_validate(deploy_function.handler(asked.model_dump(mode="json"), Context()))


@pytest.fixture(params=["new, without a name", "new", "update"])
def fields(request: pytest.FixtureRequest, deploy: Deploy) -> dict[str, Any]:
    """The fields of a block for each way in which a deploy meets the cluster."""
    if request.param == "update":
        assert deploy(app_name="my-function").status == 200
    return {} if "without" in request.param else {"app_name": "my-function"}


def test_a_block_that_fits_is_accepted_and_changes_nothing(
    kubectl: Administrator, server: KubernetesServer, fields: dict[str, Any]
) -> None:
    before = [kubectl.list(kind) for kind in (SPIN_APPS, AUTOSCALERS)]
    server.calls.clear()
    assert rehearse(kubectl.namespace, variables={"a": "1"}, **fields) == ACCEPTED
    assert [kubectl.list(kind) for kind in (SPIN_APPS, AUTOSCALERS)] == before
    writes = [call for call in server.calls if call.verb in ("create", "patch", "update", "delete")]
    assert writes
    assert all(call.dry_run for call in writes)


def test_what_is_not_there_is_refused_in_the_words_of_a_deploy(
    kubectl: Administrator, deploy: Deploy, fields: dict[str, Any]
) -> None:
    account = {"service_account": "runner", **fields}
    refused = deploy(**account)
    assert rehearse(kubectl.namespace, **account) == RehearsalAnswer(refused=refused.detail, status=refused.status)
    assert "ServiceAccount 'runner' not found" in refused.detail


def test_an_executor_that_is_not_there(kubectl: Administrator, server: KubernetesServer) -> None:
    server.prepare("without-executors", executors=())
    answer = rehearse("without-executors")
    assert answer.status == 422
    assert "SpinAppExecutor 'spot' not found in namespace 'without-executors'" in str(answer.refused)


def test_a_namespace_that_is_not_there(kubectl: Administrator) -> None:
    assert rehearse("nope") == RehearsalAnswer(refused="Namespace 'nope' not found", status=404)


def test_a_block_that_does_not_fit_the_app(kubectl: Administrator, deploy: Deploy) -> None:
    deploy(app_name="my-function", enable_autoscaling=False)
    answer = rehearse(kubectl.namespace, app_name="my-function", max_replicas=3)
    assert (answer.status, answer.unknown) == (422, None)
    assert "max_replicas needs autoscaling on" in str(answer.refused)


def test_a_name_that_another_workload_has(kubectl: Administrator) -> None:
    kubectl.create(SERVICES, "my-function", {"ports": [{"port": 80}]})
    answer = rehearse(kubectl.namespace, app_name="my-function")
    assert answer.status == 409
    assert "choose another app_name" in str(answer.refused)


def test_a_cluster_that_fails_says_nothing_about_the_block(kubectl: Administrator, server: KubernetesServer) -> None:
    server.fail(verb="create", plural="spinapps", status=500, times=9)
    answer = rehearse(kubectl.namespace)
    assert (answer.refused, answer.status) == (None, None)
    assert "SpinApp" in str(answer.unknown)


def test_what_the_policy_says_now_counts(kubectl: Administrator, eks: Eks, monkeypatch: pytest.MonkeyPatch) -> None:
    from functions.contracts import settings

    monkeypatch.setenv("TENANCY", "policy")
    monkeypatch.setenv("POLICY_TABLE", POLICY_TABLE)
    settings.reset()
    assert rehearse(kubectl.namespace) == RehearsalAnswer(refused=f"Workspace '{WORKSPACE}' not found", status=404)
