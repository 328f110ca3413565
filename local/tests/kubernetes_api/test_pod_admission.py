"""New pods: what admission puts into them, and which it refuses."""

from typing import Any

import pytest

from local.tests.kubernetes_api.conftest import Http

SPOT = {"key": "karpenter.sh/capacity-type", "operator": "Equal", "value": "spot", "effect": "NoSchedule"}
ON_DEMAND = {"spin": "true", "karpenter.sh/capacity-type": "on-demand"}


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i:1"}], **spec}}


@pytest.fixture
def runtime_class(http: Http, namespace: str) -> str:
    body = {"handler": "spin", "scheduling": {"nodeSelector": ON_DEMAND, "tolerations": [SPOT]}}
    http.ok("POST", "/apis/node.k8s.io/v1/runtimeclasses", {"metadata": {"name": namespace}, **body})
    return namespace


def create(http: Http, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = http.ok("POST", f"/api/v1/namespaces/{namespace}/pods", body)["spec"]
    return spec


def refused(http: Http, namespace: str, body: dict[str, Any], code: int = 403) -> str:
    return str(http.refused(code, "POST", f"/api/v1/namespaces/{namespace}/pods", body)["message"])


def test_where_the_runtime_class_wants_it(http: Http, namespace: str, runtime_class: str) -> None:
    spec = create(http, namespace, pod(runtimeClassName=runtime_class, nodeSelector={"disk": "ssd"}))
    assert spec["nodeSelector"] == {"disk": "ssd", **ON_DEMAND}
    assert SPOT in spec["tolerations"]


def test_a_selector_that_contradicts_the_class(http: Http, namespace: str, runtime_class: str) -> None:
    said = refused(http, namespace, pod(runtimeClassName=runtime_class, nodeSelector={"spin": "no"}))
    assert said == (
        'pods "p" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[spin] = true; '
        "pod.spec.nodeSelector[spin] = no"
    )


def test_a_runtime_class_that_is_not_there(http: Http, namespace: str) -> None:
    said = refused(http, namespace, pod(runtimeClassName="none"))
    assert said == 'pods "p" is forbidden: pod rejected: RuntimeClass "none" not found'


def test_a_service_account_that_is_not_there(http: Http, namespace: str) -> None:
    said = refused(http, namespace, pod(serviceAccountName="none"))
    assert said == (
        f'pods "p" is forbidden: error looking up service account {namespace}/none: serviceaccount "none" not found'
    )


def test_limits_of_the_namespace(http: Http, namespace: str) -> None:
    defaults = {"type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"cpu": "50m"}}
    body = {"metadata": {"name": "defaults"}, "spec": {"limits": [defaults]}}
    http.ok("POST", f"/api/v1/namespaces/{namespace}/limitranges", body)
    container = {"name": "c", "image": "i:1"}
    assert create(http, namespace, pod())["containers"][0]["resources"] == {
        "limits": {"memory": "512Mi"},
        "requests": {"cpu": "50m", "memory": "512Mi"},
    }
    large = {**container, "resources": {"requests": {"memory": "1Gi"}}}
    said = refused(http, namespace, pod("large", containers=[large]), 422)
    assert "must be less than or equal to memory limit of 512Mi" in said


def test_a_change_of_a_pod_is_not_admitted_anew(http: Http, namespace: str) -> None:
    before = create(http, namespace, pod())
    path = f"/api/v1/namespaces/{namespace}/pods/p"
    patch = {"metadata": {"labels": {"a": "b"}}}
    assert http.ok("PATCH", path, patch, "application/merge-patch+json")["spec"] == before
