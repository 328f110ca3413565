"""Autoscaling on, off and on again: SpinApp and HorizontalPodAutoscaler never contradict each other."""

from typing import Any

import pytest

from functions.cluster.resources import AUTOSCALERS, DEPLOYMENTS, SPIN_APPS
from tests.unit.cluster.conftest import IMAGE, Deploy
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer
from tests.unit.cluster.test_create import cpu_targets

WRITES = {"create", "patch", "delete"}


def scaling(kubectl: Administrator) -> tuple[bool, int | None, bool]:
    """Autoscaling on?, fixed replicas, is there an autoscaler?"""
    spec = kubectl.get(SPIN_APPS, "my-function")["spec"]
    return spec["enableAutoscaling"], spec.get("replicas"), kubectl.find(AUTOSCALERS, "my-function") is not None


def writes(server: KubernetesServer) -> list[tuple[str, str]]:
    return [(call.verb, call.plural) for call in server.calls if call.verb in WRITES and not call.dry_run]


def test_on_to_off_keeps_as_many_as_are_ready(deploy: Deploy, kubectl: Administrator, server: KubernetesServer) -> None:
    deploy(app_name="my-function")
    kubectl.patch(SPIN_APPS, "my-function", {"status": {"readyReplicas": 4}}, "/status")
    server.calls.clear()

    answer = deploy(app_name="my-function", enable_autoscaling=False)

    assert (answer.body["enable_autoscaling"], answer.body["ready_replicas"]) == (False, 4)
    assert scaling(kubectl) == (False, 4, False)
    assert writes(server) == [("delete", "horizontalpodautoscalers"), ("patch", "spinapps")]


@pytest.mark.parametrize(("fields", "replicas"), [({}, 1), ({"replicas": 3}, 3)])
def test_on_to_off_with_none_ready(
    deploy: Deploy, kubectl: Administrator, fields: dict[str, Any], replicas: int
) -> None:
    deploy(app_name="my-function")
    assert deploy(app_name="my-function", enable_autoscaling=False, **fields).status == 200
    assert scaling(kubectl) == (False, replicas, False)


def test_on_to_off_without_an_autoscaler(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function")
    kubectl.delete(AUTOSCALERS, "my-function")
    assert deploy(app_name="my-function", enable_autoscaling=False).status == 200
    assert scaling(kubectl) == (False, 1, False)


def test_off_to_on(deploy: Deploy, kubectl: Administrator, server: KubernetesServer) -> None:
    deploy(app_name="my-function", enable_autoscaling=False, replicas=3)
    server.calls.clear()

    answer = deploy(app_name="my-function", enable_autoscaling=True, max_replicas=6)

    assert answer.body["enable_autoscaling"] is True
    assert scaling(kubectl) == (True, None, True)
    assert kubectl.get(AUTOSCALERS, "my-function")["spec"]["maxReplicas"] == 6
    assert writes(server) == [
        ("patch", "deployments"),
        ("patch", "spinapps"),
        ("create", "horizontalpodautoscalers"),
    ]


def test_off_to_on_kills_no_replica(deploy: Deploy, kubectl: Administrator, server: KubernetesServer) -> None:
    """The operator stops to apply the number of replicas then, and a field that nobody owns goes back to 1."""
    deploy(app_name="my-function", enable_autoscaling=False, replicas=4)
    assert kubectl.get(DEPLOYMENTS, "my-function")["spec"]["replicas"] == 4

    deploy(app_name="my-function", enable_autoscaling=True)

    assert kubectl.get(SPIN_APPS, "my-function")["spec"].get("replicas") is None
    assert kubectl.get(DEPLOYMENTS, "my-function")["spec"]["replicas"] == 4
    deploy(app_name="my-function", enable_autoscaling=False, replicas=2)
    assert kubectl.get(DEPLOYMENTS, "my-function")["spec"]["replicas"] == 2


def test_off_to_on_while_the_number_changes(deploy: Deploy, kubectl: Administrator, server: KubernetesServer) -> None:
    deploy(app_name="my-function", enable_autoscaling=False, replicas=4)
    scaled = {"spec": {"replicas": 6}}
    server.fail(verb="patch", plural="deployments", meanwhile=lambda: kubectl.patch(DEPLOYMENTS, "my-function", scaled))
    assert deploy(app_name="my-function", enable_autoscaling=True).status == 200
    assert kubectl.get(DEPLOYMENTS, "my-function")["spec"]["replicas"] == 6


def test_off_to_on_of_an_app_without_a_deployment(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    server.operator_runs = False
    deploy(app_name="my-function", enable_autoscaling=False, seconds=2)
    assert deploy(app_name="my-function", enable_autoscaling=True, seconds=2).status == 200
    assert kubectl.list(DEPLOYMENTS) == []


def test_an_app_without_cpu_request_gets_one_with_its_autoscaler(deploy: Deploy, kubectl: Administrator) -> None:
    kubectl.create_app("my-function", {"executor": "spot", "image": IMAGE, "replicas": 1})
    deploy(app_name="my-function", enable_autoscaling=True)
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["resources"]["requests"]["cpu"] == "100m"


def test_off_stays_off_and_on_stays_on(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function", enable_autoscaling=False, replicas=3)
    deploy(app_name="my-function")
    assert scaling(kubectl) == (False, 3, False)
    deploy(app_name="my-function", enable_autoscaling=False)
    assert scaling(kubectl) == (False, 3, False)
    deploy(app_name="my-function", replicas=2)
    assert scaling(kubectl) == (False, 2, False)


def test_bounds_change_and_other_metrics_stay(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function")
    memory = {
        "type": "Resource",
        "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    metrics = kubectl.get(AUTOSCALERS, "my-function")["spec"]["metrics"]
    kubectl.patch(AUTOSCALERS, "my-function", {"spec": {"metrics": [*metrics, memory]}})

    deploy(app_name="my-function", min_replicas=2, target_cpu=90)

    autoscaler = kubectl.get(AUTOSCALERS, "my-function")
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (2, 10)
    assert cpu_targets(autoscaler) == [90]
    assert memory in autoscaler["spec"]["metrics"]


@pytest.mark.parametrize(
    "fields", [{"replicas": 2}, {"min_replicas": 11}, {"enable_autoscaling": False, "target_cpu": 50}]
)
def test_refused_while_autoscaling_is_on(deploy: Deploy, kubectl: Administrator, fields: dict[str, Any]) -> None:
    deploy(app_name="my-function")
    before = kubectl.get(SPIN_APPS, "my-function")
    assert deploy(app_name="my-function", **fields).status == 422
    assert kubectl.get(SPIN_APPS, "my-function") == before


@pytest.mark.parametrize("fields", [{"min_replicas": 2}, {"max_replicas": 2}, {"target_cpu": 20}])
def test_refused_while_autoscaling_is_off(deploy: Deploy, kubectl: Administrator, fields: dict[str, Any]) -> None:
    deploy(app_name="my-function", enable_autoscaling=False)
    before = kubectl.get(SPIN_APPS, "my-function")
    answer = deploy(app_name="my-function", **fields)
    assert answer.status == 422
    assert "needs autoscaling on" in answer.detail
    assert kubectl.get(SPIN_APPS, "my-function") == before


def test_an_autoscaler_of_something_else_is_not_taken_over(deploy: Deploy, kubectl: Administrator) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}
    kubectl.create(AUTOSCALERS, "my-function", {"scaleTargetRef": target, "maxReplicas": 3})
    before = kubectl.get(AUTOSCALERS, "my-function")
    answer = deploy(app_name="my-function")
    assert answer.status == 422
    assert "scales Deployment 'other'" in answer.detail
    assert kubectl.get(AUTOSCALERS, "my-function") == before
    assert kubectl.list(SPIN_APPS) == []


def test_an_autoscaler_left_from_a_deleted_app_is_taken_up(deploy: Deploy, kubectl: Administrator) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "my-function"}
    kubectl.create(AUTOSCALERS, "my-function", {"scaleTargetRef": target, "maxReplicas": 3})
    assert deploy(app_name="my-function").status == 200
    autoscaler = kubectl.get(AUTOSCALERS, "my-function")
    uid = kubectl.get(SPIN_APPS, "my-function")["metadata"]["uid"]
    assert [owner["uid"] for owner in autoscaler["metadata"]["ownerReferences"]] == [uid]


@pytest.mark.parametrize("status", [403, 422, 429, 500])
def test_an_autoscaler_that_is_refused_leaves_nothing_behind(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, status: int
) -> None:
    server.fail(verb="create", plural="horizontalpodautoscalers", dry_run=True, status=status, times=9)
    assert deploy(app_name="my-function").status >= 422
    assert kubectl.list(SPIN_APPS) == []


def test_turning_on_with_a_refused_autoscaler_changes_nothing(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    deploy(app_name="my-function", enable_autoscaling=False)
    server.fail(verb="create", plural="horizontalpodautoscalers", dry_run=True, status=403)
    assert deploy(app_name="my-function", enable_autoscaling=True).status == 502
    assert scaling(kubectl) == (False, 1, False)


def test_turning_off_with_a_refused_update_changes_nothing(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    deploy(app_name="my-function")
    server.fail(verb="patch", plural="spinapps", dry_run=True, status=422)
    assert deploy(app_name="my-function", enable_autoscaling=False).status == 422
    assert scaling(kubectl) == (True, None, True)


def test_a_deploy_cut_off_in_the_middle_is_completed_by_the_next(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    fault = server.fail(verb="create", plural="horizontalpodautoscalers", dry_run=False, status=500, times=9)
    answer = deploy(app_name="my-function")
    assert answer.status == 502
    assert "SpinApp 'my-function' is deployed" in answer.detail
    assert scaling(kubectl) == (True, None, False)

    fault.times = 0
    assert deploy(app_name="my-function").status == 200
    assert scaling(kubectl) == (True, None, True)
