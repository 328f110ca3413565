"""The next version of an app: the image and what the request names change, everything else stays as it is."""

from typing import Any

import pytest

from functions.cluster.resources import AUTOSCALERS, SERVICE_ACCOUNTS, SPIN_APPS
from tests.unit.cluster.conftest import IMAGE, Deploy, deployed
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer
from tests.unit.cluster.test_create import cpu_targets

V2 = IMAGE.replace("a1b2c3d4", "v2-def456")


def spec_of(kubectl: Administrator) -> dict[str, Any]:
    spec: dict[str, Any] = kubectl.get(SPIN_APPS, "my-function")["spec"]
    return spec


@pytest.fixture
def rich_app(deploy: Deploy, kubectl: Administrator) -> dict[str, Any]:
    """An app of which every field was set; returns its spec."""
    kubectl.create(SERVICE_ACCOUNTS, "runner")
    answer = deploy(
        app_name="my-function",
        function_id="fn-1",
        use_spot=False,
        service_account="runner",
        cpu_limit="500m",
        memory_limit="256Mi",
        cpu_request="200m",
        memory_request="100Mi",
        min_replicas=2,
        max_replicas=5,
        target_cpu=70,
        variables={"greeting": "hello", "token": {"secret": "tokens", "key": "api"}},
        image_pull_secret="registry",
        runtime_config="spin-config",
    )
    assert answer.status == 200
    return spec_of(kubectl)


def test_only_the_image_changes(deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any]) -> None:
    autoscaler = kubectl.get(AUTOSCALERS, "my-function")
    uid = kubectl.get(SPIN_APPS, "my-function")["metadata"]["uid"]

    answer = deploy(app_name="my-function", image_ref=V2)

    assert answer.status == 200
    assert (answer.body["image"], answer.body["revision"]) == (V2, 2)
    assert (answer.body["enable_autoscaling"], answer.body["use_spot"]) == (True, False)
    assert spec_of(kubectl) == {**rich_app, "image": deployed(V2)}
    assert kubectl.get(SPIN_APPS, "my-function")["metadata"]["uid"] == uid
    assert kubectl.get(AUTOSCALERS, "my-function") == autoscaler


def test_the_older_image_again_is_a_rollback(deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any]) -> None:
    deploy(app_name="my-function", image_ref=V2)
    assert deploy(app_name="my-function", image_ref=IMAGE).body["image"] == IMAGE
    assert spec_of(kubectl) == rich_app


def test_another_name_leaves_the_app_alone(deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any]) -> None:
    assert deploy(app_name="my-function-2", image_ref=V2).body["app_name"] == "my-function-2"
    assert spec_of(kubectl) == rich_app


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"function_id": "fn-2"}, {"podLabels": {"function_id": "fn-2"}}),
        ({"use_spot": True}, {"executor": "spot"}),
        (
            {"cpu_limit": "1"},
            {"resources": {"limits": {"cpu": "1", "memory": "256Mi"}, "requests": {"cpu": "200m", "memory": "100Mi"}}},
        ),
        (
            {"memory_request": "128Mi"},
            {
                "resources": {
                    "limits": {"cpu": "500m", "memory": "256Mi"},
                    "requests": {"cpu": "200m", "memory": "128Mi"},
                }
            },
        ),
        ({"image_pull_secret": "other"}, {"imagePullSecrets": [{"name": "other"}]}),
        ({"runtime_config": "other"}, {"runtimeConfig": {"loadFromSecret": "other"}}),
        (
            {"variables": {"greeting": "bye"}},
            {
                "variables": [
                    {"name": "token", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "api"}}},
                    {"name": "greeting", "value": "bye"},
                ]
            },
        ),
        ({"variables": {"token": None}}, {"variables": [{"name": "greeting", "value": "hello"}]}),
        ({"function_id": None, "cpu_limit": None, "service_account": None, "variables": None}, {}),
    ],
)
def test_only_what_is_named_changes(
    deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any], fields: dict[str, Any], changed: dict[str, Any]
) -> None:
    assert deploy(app_name="my-function", **fields).status == 200
    assert spec_of(kubectl) == {**rich_app, **changed}


def test_another_service_account(deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any]) -> None:
    kubectl.create(SERVICE_ACCOUNTS, "other")
    deploy(app_name="my-function", service_account="other")
    assert spec_of(kubectl) == {**rich_app, "serviceAccountName": "other"}


def test_what_others_set_stays(deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any]) -> None:
    theirs = {
        "executor": "on-demand",
        "deploymentAnnotations": {"team": "a"},
        "podLabels": {"tier": "gold"},
        "resources": {"limits": {"example.com/gpu": "1"}},
        "checks": {"readiness": {"httpGet": {"path": "/ready", "httpHeaders": []}}},
        "variables": [{"name": "theirs", "value": "1"}],
    }
    metadata = {"labels": {"owner": "team-a"}, "annotations": {"note": "by hand"}}
    kubectl.patch(SPIN_APPS, "my-function", {"metadata": metadata, "spec": theirs})
    kubectl.patch(AUTOSCALERS, "my-function", {"spec": {"maxReplicas": 50}})
    before = spec_of(kubectl)

    deploy(app_name="my-function", image_ref=V2, function_id="fn-9", cpu_limit="2", variables={"mine": "2"})

    spec = spec_of(kubectl)
    assert spec["podLabels"] == {"tier": "gold", "function_id": "fn-9"}
    assert spec["resources"]["limits"] == {"example.com/gpu": "1", "cpu": "2", "memory": "256Mi"}
    assert spec["variables"] == [{"name": "theirs", "value": "1"}, {"name": "mine", "value": "2"}]
    untouched = ("executor", "deploymentAnnotations", "checks", "serviceAccountName", "enableAutoscaling")
    assert {field: spec[field] for field in untouched} == {field: before[field] for field in untouched}
    app = kubectl.get(SPIN_APPS, "my-function")
    assert app["metadata"]["labels"]["owner"] == "team-a"
    assert app["metadata"]["annotations"]["note"] == "by hand"
    assert kubectl.get(AUTOSCALERS, "my-function")["spec"]["maxReplicas"] == 50


def test_an_executor_of_their_own_is_neither_spot_nor_lost(
    deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any]
) -> None:
    kubectl.patch(SPIN_APPS, "my-function", {"spec": {"executor": "spot"}})
    assert deploy(app_name="my-function", image_ref=V2).body["use_spot"] is True


def test_an_app_made_by_hand_gets_the_image_and_nothing_else(deploy: Deploy, kubectl: Administrator) -> None:
    kubectl.create_app("my-function", {"executor": "on-demand", "image": IMAGE, "replicas": 2})
    before = spec_of(kubectl)

    answer = deploy(app_name="my-function", image_ref=V2)

    assert (answer.body["enable_autoscaling"], answer.body["use_spot"]) == (False, False)
    assert spec_of(kubectl) == {**before, "image": deployed(V2)}
    assert kubectl.list(AUTOSCALERS) == []


def test_an_app_that_is_scaled_by_other_means_gets_no_autoscaler(deploy: Deploy, kubectl: Administrator) -> None:
    kubectl.create_app("my-function", {"executor": "spot", "image": IMAGE, "enableAutoscaling": True})
    deploy(app_name="my-function", image_ref=V2)
    assert kubectl.list(AUTOSCALERS) == []
    deploy(app_name="my-function", target_cpu=60)
    assert cpu_targets(kubectl.get(AUTOSCALERS, "my-function")) == [60]


@pytest.mark.parametrize("fields", [{"cpu_limit": "150m"}, {"cpu_request": "600m"}, {"memory_limit": "64Mi"}])
def test_a_limit_under_the_request_is_refused(
    deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any], fields: dict[str, Any]
) -> None:
    answer = deploy(app_name="my-function", image_ref=V2, **fields)
    assert answer.status == 422
    assert "send both in one request" in answer.detail
    assert spec_of(kubectl) == rich_app


def test_a_limit_under_the_default_request_takes_the_default_down(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function")
    assert deploy(app_name="my-function", cpu_limit="50m").status == 200
    resources = spec_of(kubectl)["resources"]
    assert (resources["limits"], resources["requests"]["cpu"]) == ({"cpu": "50m"}, "50m")


def test_an_app_that_is_being_deleted_is_not_updated(
    deploy: Deploy, kubectl: Administrator, rich_app: dict[str, Any]
) -> None:
    kubectl.patch(SPIN_APPS, "my-function", {"metadata": {"finalizers": ["example.com/keep"]}})
    kubectl.delete(SPIN_APPS, "my-function")
    answer = deploy(app_name="my-function", image_ref=V2)
    assert answer.status == 409
    assert "being deleted" in answer.detail
    assert spec_of(kubectl) == rich_app
    kubectl.patch(SPIN_APPS, "my-function", {"metadata": {"finalizers": None}})


PROBE = {"httpGet": {"path": "/ready"}, "periodSeconds": 3}
HEADERS = [{"name": "x-probe", "value": "1"}]


@pytest.mark.parametrize(
    ("checks", "headers"),
    [
        ({"readiness": PROBE}, {"readiness": []}),
        ({"readiness": PROBE, "liveness": PROBE}, {"readiness": [], "liveness": []}),
        ({"liveness": {"httpGet": {"path": "/ready", "httpHeaders": HEADERS}}}, {"liveness": HEADERS}),
    ],
)
@pytest.mark.stand_in_only("the webhooks of the real server cannot be gone around")
def test_checks_without_a_list_of_headers_get_one(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, checks: dict[str, Any], headers: dict[str, Any]
) -> None:
    """Such an app was made while the operator's webhooks were off; with them on, each write of it is refused."""
    kubectl.create_app("my-function", {"executor": "spot", "image": IMAGE, "replicas": 1})
    server.past_webhooks(kubectl.namespace, "my-function", {"checks": checks})

    assert deploy(app_name="my-function", image_ref=V2).status == 200

    now = spec_of(kubectl)["checks"]
    assert {name: check["httpGet"]["httpHeaders"] for name, check in now.items()} == headers
    assert all(check["httpGet"]["path"] == "/ready" for check in now.values())
    deploy(app_name="my-function")
    assert spec_of(kubectl)["checks"] == now
