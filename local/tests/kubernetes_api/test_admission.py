"""SpinApp admission: the rules of spin-operator's webhook."""

from typing import Any

import pytest

from local.tests.kubernetes_api.conftest import EXECUTOR, GROUP, VERSION, Http, spinapp, spinapps

DENIED = 'admission webhook "vspinapp.kb.io" denied the request: SpinApp.core.spinkube.dev "a" is invalid: '


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"executor": "other"}, 'spec.executor: Invalid value: "other": executor does not exist in namespace'),
        ({"replicas": None}, "spec.replicas: Invalid value: 0: replicas must be > 0"),
        ({"replicas": 0}, "spec.replicas: Invalid value: 0: replicas must be > 0"),
        (
            {"enableAutoscaling": True, "replicas": 1},
            "spec.replicas: Invalid value: 1: replicas cannot be set when autoscaling is enabled",
        ),
    ],
)
def test_what_the_webhook_refuses(http: Http, namespace: str, fields: dict[str, Any], why: str) -> None:
    status = http.refused(422, "POST", spinapps(namespace), spinapp("a", **fields))
    assert status["reason"] == "Invalid"
    assert status["message"] == DENIED + why


@pytest.mark.parametrize(
    "fields",
    [
        {"replicas": 1},
        {"enableAutoscaling": True, "replicas": None},
        {"enableAutoscaling": True, "replicas": 0},
    ],
)
def test_what_the_webhook_lets_pass(http: Http, namespace: str, fields: dict[str, Any]) -> None:
    http.ok("POST", spinapps(namespace), spinapp("a", **fields))


def test_several_faults_are_listed(http: Http, namespace: str) -> None:
    status = http.refused(422, "POST", spinapps(namespace), spinapp("a", executor="x", replicas=0))
    assert status["message"].startswith(DENIED + "[spec.executor: ")
    assert len(status["details"]["causes"]) == 2


def test_updates_are_held_to_the_rules_and_status_is_not(http: Http, namespace: str) -> None:
    merge = "application/merge-patch+json"
    http.ok("POST", spinapps(namespace), spinapp("a"))
    http.refused(422, "PATCH", spinapps(namespace, "a"), {"spec": {"enableAutoscaling": True}}, merge)
    both = {"spec": {"enableAutoscaling": True, "replicas": None}}
    assert http.ok("PATCH", spinapps(namespace, "a"), both, merge)["spec"]["enableAutoscaling"]
    http.ok("DELETE", f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/spinappexecutors/{EXECUTOR}")
    http.ok("PATCH", f"{spinapps(namespace, 'a')}/status", {"status": {"readyReplicas": 1}}, merge)


def test_the_executor_must_be_in_the_apps_own_namespace(http: Http, namespace: str) -> None:
    other = f"{namespace}-2"
    http.ok("POST", "/api/v1/namespaces", {"metadata": {"name": other}})
    status = http.refused(422, "POST", spinapps(other), spinapp("a"))
    assert "executor does not exist in namespace" in status["message"]
    http.ok("DELETE", f"/api/v1/namespaces/{other}")


def test_the_first_executor_of_all_namespaces_is_the_default(http: Http, namespace: str) -> None:
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SpinAppExecutor",
        "metadata": {"name": "aaa-first"},
        "spec": {"createDeployment": False},
    }
    http.ok("POST", f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/spinappexecutors", body)
    assert http.ok("POST", spinapps(namespace), spinapp("a", executor=None))["spec"]["executor"] == "aaa-first"
    status = http.refused(
        422, "POST", spinapps(namespace), spinapp("b", executor="aaa-first", podAnnotations={"a": "b"})
    )
    assert "podAnnotations can't be set when the executor does not use operator deployments" in status["message"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (
            {"replicas": "two"},
            "json: cannot unmarshal string into Go struct field SpinAppSpec.spec.replicas of type int32",
        ),
        (
            {"podLabels": {"a": 1}},
            "json: cannot unmarshal number into Go struct field SpinAppSpec.spec.podLabels of type string",
        ),
        (
            {"resources": {"limits": {"memory": "lots"}}},
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
    ],
)
def test_what_does_not_fit_the_operators_types(http: Http, namespace: str, fields: dict[str, Any], why: str) -> None:
    status = http.refused(400, "POST", spinapps(namespace), spinapp("a", **fields))
    assert status["message"] == f'admission webhook "mspinapp.kb.io" denied the request: {why}'


def test_what_the_operators_types_add(http: Http, namespace: str) -> None:
    """No image and a variable without a name are accepted: the webhook makes them empty texts."""
    resources = {"limits": {"cpu": "1000m", "memory": "1024Mi"}}
    body = spinapp("a", image=None, variables=[{"value": "1"}], resources=resources, enableAutoscaling=False)
    spec = http.ok("POST", spinapps(namespace), body)["spec"]
    assert (spec["image"], spec["checks"], spec["runtimeConfig"]) == ("", {}, {})
    assert spec["variables"] == [{"name": "", "value": "1"}]
    assert spec["resources"] == {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert spec["enableAutoscaling"] is False


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "Invalid value: null: either runtimeClassName or spinImage must be set"),
        (
            {"runtimeClassName": "spin", "spinImage": "x"},
            'Invalid value: "spin": runtimeClassName and spinImage are mutually exclusive',
        ),
    ],
)
def test_an_executor_names_a_runtime_class_or_an_image(
    http: Http, namespace: str, config: dict[str, Any], why: str
) -> None:
    body = {"metadata": {"name": "a"}, "spec": {"createDeployment": True, "deploymentConfig": config}}
    head = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "SpinAppExecutor"}
    path = spinapps(namespace).replace("spinapps", "spinappexecutors")
    status = http.refused(422, "POST", path, {**head, **body})
    assert status["message"].endswith(f"spec.deploymentConfig.runtimeClassName: {why}")
