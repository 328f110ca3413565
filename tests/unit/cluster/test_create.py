"""A new app: the objects that one request leaves in the cluster, and the answer to it."""

import json
from typing import Any

import pytest

from functions.cluster import generated_names
from functions.cluster.resources import AUTOSCALERS, DEPLOYMENTS, SERVICE_ACCOUNTS, SERVICES, SPIN_APPS
from tests.unit.cluster.conftest import IMAGE, Deploy, deployed, invoke_raw
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

PUBLISHED_FIELDS = [
    "app_name",
    "namespace",
    "service_name",
    "service_status",
    "endpoint",
    "enable_autoscaling",
    "use_spot",
    "error",
]


def test_the_documented_request_gets_the_documented_answer(deploy: Deploy, kubectl: Administrator) -> None:
    answer = deploy(function_id="fn-my-function-001", enable_autoscaling=True, use_spot=False)

    assert answer.status == 200
    name = answer.body["app_name"]
    assert {field: answer.body[field] for field in PUBLISHED_FIELDS} == {
        "app_name": name,
        "namespace": kubectl.namespace,
        "service_name": name,
        "service_status": "found",
        "endpoint": f"{name}.{kubectl.namespace}.svc.cluster.local",
        "enable_autoscaling": True,
        "use_spot": False,
        "error": None,
    }
    assert list(answer.body)[: len(PUBLISHED_FIELDS)] == PUBLISHED_FIELDS
    assert name.startswith("spin-")
    assert answer.body["image"] == IMAGE
    assert answer.body["revision"] == 1


def test_the_spin_app_of_a_request_without_options(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function")

    app = kubectl.get(SPIN_APPS, "my-function")
    assert app["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "blue-faas"
    spec = app["spec"]
    assert spec["executor"] == "spot"
    assert spec["image"] == deployed(IMAGE)
    assert spec["enableAutoscaling"] is True
    assert "replicas" not in spec
    assert spec["resources"] == {"requests": {"cpu": "100m", "memory": "128Mi"}}
    assert spec["checks"]["readiness"]["httpGet"]["path"] == "/.well-known/spin/health"
    assert spec["checks"]["readiness"]["initialDelaySeconds"] < 10
    assert spec["checks"]["liveness"]["httpGet"]["path"] == "/.well-known/spin/health"
    # The operator's webhook makes a list that is missing null, and the API server refuses that.
    assert [check["httpGet"]["httpHeaders"] for check in spec["checks"].values()] == [[], []]
    for field in ("podLabels", "serviceAccountName", "variables", "imagePullSecrets"):
        assert field not in spec
    assert spec["runtimeConfig"] == {}


def test_the_autoscaler_of_a_request_without_options(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function")

    autoscaler = kubectl.get(AUTOSCALERS, "my-function")
    assert autoscaler["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "my-function",
    }
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (1, 10)
    assert cpu_targets(autoscaler) == [50]
    (owner,) = autoscaler["metadata"]["ownerReferences"]
    assert owner["uid"] == kubectl.get(SPIN_APPS, "my-function")["metadata"]["uid"]
    assert (owner["kind"], owner["controller"]) == ("SpinApp", True)


@pytest.mark.parametrize(
    ("fields", "path", "value"),
    [
        ({"function_id": "fn-1"}, ["podLabels"], {"function_id": "fn-1"}),
        ({"use_spot": False}, ["executor"], "on-demand"),
        ({"use_spot": True}, ["executor"], "spot"),
        ({"enable_autoscaling": False}, ["enableAutoscaling"], False),
        ({"enable_autoscaling": False}, ["replicas"], 1),
        ({"enable_autoscaling": False, "replicas": 3}, ["replicas"], 3),
        (
            {"cpu_limit": "500m"},
            ["resources"],
            {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        ),
        (
            {"cpu_limit": "50m"},
            ["resources"],
            {"limits": {"cpu": "50m"}, "requests": {"cpu": "50m", "memory": "128Mi"}},
        ),
        ({"memory_limit": "64Mi"}, ["resources", "requests", "memory"], "64Mi"),
        ({"memory_limit": "256Mi"}, ["resources", "limits", "memory"], "256Mi"),
        ({"cpu_request": "200m"}, ["resources", "requests"], {"cpu": "200m", "memory": "128Mi"}),
        ({"memory_request": "1Gi"}, ["resources", "requests"], {"cpu": "100m", "memory": "1Gi"}),
        ({"variables": {"greeting": "hi"}}, ["variables"], [{"name": "greeting", "value": "hi"}]),
        (
            {"variables": {"token": {"secret": "tokens", "key": "api"}}},
            ["variables"],
            [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "api"}}}],
        ),
        ({"image_pull_secret": "registry"}, ["imagePullSecrets"], [{"name": "registry"}]),
        ({"runtime_config": "spin-config"}, ["runtimeConfig", "loadFromSecret"], "spin-config"),
    ],
)
def test_each_field_has_its_place(
    deploy: Deploy, kubectl: Administrator, fields: dict[str, Any], path: list[str], value: object
) -> None:
    assert deploy(app_name="my-function", **fields).status == 200
    found: Any = kubectl.get(SPIN_APPS, "my-function")["spec"]
    for step in path:
        found = found[step]
    assert found == value


def test_service_account(deploy: Deploy, kubectl: Administrator) -> None:
    kubectl.create(SERVICE_ACCOUNTS, "runner")
    assert deploy(app_name="my-function", service_account="runner").status == 200
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["serviceAccountName"] == "runner"


def test_bounds_and_target_of_the_autoscaler(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function", min_replicas=2, max_replicas=4, target_cpu=75)
    autoscaler = kubectl.get(AUTOSCALERS, "my-function")
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (2, 4)
    assert cpu_targets(autoscaler) == [75]


def test_without_autoscaling_there_is_no_autoscaler(deploy: Deploy, kubectl: Administrator) -> None:
    answer = deploy(app_name="my-function", enable_autoscaling=False)
    assert answer.body["enable_autoscaling"] is False
    assert kubectl.list(AUTOSCALERS) == []


def test_every_request_without_a_name_makes_a_new_app(deploy: Deploy, kubectl: Administrator) -> None:
    made = {deploy().body["app_name"] for _ in range(3)}
    assert len(made) == 3
    assert {app["metadata"]["name"] for app in kubectl.list(SPIN_APPS)} == made


def test_a_generated_name_never_updates_the_app_that_has_it(
    deploy: Deploy, kubectl: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(app_name="spin-happy-cloud-1234")
    before = kubectl.get(SPIN_APPS, "spin-happy-cloud-1234")
    offered = iter(["spin-happy-cloud-1234", "spin-calm-river-0001"])
    monkeypatch.setattr(
        generated_names, "generate", lambda: next(offered)
    )  # chance is what is replaced, nothing that is checked

    assert deploy(enable_autoscaling=False).body["app_name"] == "spin-calm-river-0001"
    assert kubectl.get(SPIN_APPS, "spin-happy-cloud-1234") == before


def test_a_generated_name_that_is_always_taken_is_a_conflict(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, kubectl: Administrator
) -> None:
    deploy(app_name="spin-happy-cloud-1234")
    monkeypatch.setattr(generated_names, "generate", lambda: "spin-happy-cloud-1234")
    assert deploy(enable_autoscaling=False).status == 409
    assert len(kubectl.list(SPIN_APPS)) == 1


def test_the_service_is_waited_for(deploy: Deploy, kubectl: Administrator, server: KubernetesServer) -> None:
    server.operator_runs = False
    server.fail(
        verb="watch",
        plural="services",
        delay=0.2,
        meanwhile=lambda: kubectl.create(SERVICES, "my-function", {"ports": [{"port": 80}]}),
    )
    assert deploy(app_name="my-function").body["service_status"] == "found"


def test_a_service_that_does_not_come_is_pending(deploy: Deploy, server: KubernetesServer) -> None:
    server.operator_runs = False
    answer = deploy(app_name="my-function", seconds=1.2)
    assert answer.status == 200
    assert answer.body["service_status"] == "pending"


def test_a_service_that_cannot_be_looked_up_does_not_undo_the_deploy(deploy: Deploy, server: KubernetesServer) -> None:
    server.fail(verb="list", plural="services", status=500, times=9)
    answer = deploy(app_name="my-function")
    assert (answer.status, answer.body["service_status"]) == (200, "pending")


def test_a_base64_body_and_curl_without_a_content_type(kubectl: Administrator) -> None:
    import base64

    body = json.dumps({"namespace": kubectl.namespace, "image_ref": IMAGE, "app_name": "my-function"})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    coded = base64.b64encode(body.encode()).decode()
    answer = invoke_raw(coded, isBase64Encoded=True, headers=headers)
    assert (answer.status, answer.body["app_name"]) == (200, "my-function")


@pytest.mark.parametrize("resource", [DEPLOYMENTS, SERVICES])
def test_a_name_that_something_else_has_is_not_taken_over(
    deploy: Deploy, kubectl: Administrator, resource: Any
) -> None:
    spec: dict[str, Any] = {"ports": [{"port": 80}]}
    if resource is DEPLOYMENTS:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "d"}]}}
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    kubectl.create(resource, "payments", spec)

    answer = deploy(app_name="payments")
    assert answer.status == 409
    assert f"{resource.kind} 'payments'" in answer.detail
    assert kubectl.list(SPIN_APPS) == []


def test_platform_defaults_come_from_the_environment(
    deploy: Deploy, kubectl: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "KUBERNETES_MIN_REPLICAS": "2",
        "KUBERNETES_MAX_REPLICAS": "3",
        "KUBERNETES_TARGET_CPU": "70",
        "KUBERNETES_DEFAULT_CPU_REQUEST": "250m",
        "KUBERNETES_DEFAULT_MEMORY_REQUEST": "64Mi",
        "KUBERNETES_EXECUTOR_SPOT": "on-demand",
    }.items():
        monkeypatch.setenv(name, value)
    answer = deploy(app_name="my-function")
    assert answer.body["use_spot"] is True
    spec = kubectl.get(SPIN_APPS, "my-function")["spec"]
    assert spec["resources"]["requests"] == {"cpu": "250m", "memory": "64Mi"}
    assert spec["executor"] == "on-demand"
    autoscaler = kubectl.get(AUTOSCALERS, "my-function")
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (2, 3)
    assert cpu_targets(autoscaler) == [70]


def cpu_targets(autoscaler: dict[str, Any]) -> list[int]:
    """The CPU targets among an autoscaler's metrics."""
    resources = [metric["resource"] for metric in autoscaler["spec"]["metrics"] if metric["type"] == "Resource"]
    return [resource["target"]["averageUtilization"] for resource in resources if resource["name"] == "cpu"]
