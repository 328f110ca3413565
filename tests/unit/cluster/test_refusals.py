"""Requests that do not fit: the published sentence or one that says what to do, and nothing written."""

import io
import json
from typing import Any

import pytest

from functions.cluster.resources import EXECUTORS, LIMIT_RANGES, NAMESPACES, SPIN_APPS
from functions.telemetry import logger
from tests.unit.cluster.conftest import IMAGE, Deploy, invoke_raw
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer


@pytest.mark.parametrize(
    "fields", [{}, {"app_name": "my-function"}, {"enable_autoscaling": False}, {"service_account": "runner"}]
)
def test_a_namespace_that_does_not_exist(deploy: Deploy, fields: dict[str, Any]) -> None:
    answer = deploy(namespace="xxx", **fields)
    assert answer.status == 404
    assert answer.body == {"detail": "Namespace 'xxx' not found"}


def test_a_namespace_that_goes_in_the_last_moment(
    deploy: Deploy, server: KubernetesServer, kubectl: Administrator
) -> None:
    server.fail(verb="create", dry_run=True, meanwhile=lambda: kubectl.delete(NAMESPACES, kubectl.namespace))
    answer = deploy(app_name="my-function")
    if answer.status == 409:  # a real cluster empties a namespace before it goes
        assert "being terminated" in answer.detail
        return
    assert answer.status == 404
    assert answer.body == {"detail": f"Namespace '{kubectl.namespace}' not found"}


@pytest.mark.parametrize(("use_spot", "executor"), [(True, "spot"), (False, "on-demand")])
def test_an_executor_that_the_namespace_lacks(
    deploy: Deploy, kubectl: Administrator, use_spot: bool, executor: str
) -> None:
    kubectl.delete(EXECUTORS, executor)
    answer = deploy(use_spot=use_spot)
    assert answer.status == 422
    assert f"SpinAppExecutor '{executor}' not found in namespace '{kubectl.namespace}'" in answer.detail
    assert "Apply the executor manifests" in answer.detail
    assert kubectl.list(SPIN_APPS) == []


def test_an_update_to_an_executor_that_the_namespace_lacks(deploy: Deploy, kubectl: Administrator) -> None:
    deploy(app_name="my-function")
    kubectl.delete(EXECUTORS, "on-demand")
    assert deploy(app_name="my-function", use_spot=False).status == 422
    assert kubectl.get(SPIN_APPS, "my-function")["spec"]["executor"] == "spot"


def test_a_service_account_that_does_not_exist(deploy: Deploy, kubectl: Administrator) -> None:
    answer = deploy(service_account="runner")
    assert answer.status == 422
    assert f"ServiceAccount 'runner' not found in namespace '{kubectl.namespace}'" in answer.detail
    assert kubectl.list(SPIN_APPS) == []
    deploy(app_name="my-function")
    assert deploy(app_name="my-function", service_account="runner").status == 422


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        ([], 403),
        ([r"217350599014\.dkr\.ecr\.ap-northeast-2\.amazonaws\.com/blue-.*"], 200),
        (["example.com/.*", ".*/blue-final-faas-app"], 200),
        (["example.com/.*"], 403),
        ([r"217350599014\.dkr\.ecr\.ap-northeast-2\.amazonaws\.com/blue"], 403),
    ],
)
def test_registries_that_the_operator_allows(
    deploy: Deploy, kubectl: Administrator, monkeypatch: pytest.MonkeyPatch, allowed: list[str], status: int
) -> None:
    monkeypatch.setenv("REGISTRY_ALLOW_LIST", json.dumps(allowed))
    answer = deploy(app_name="my-function")
    assert answer.status == status
    if status == 403:
        assert "blue-final-faas-app' are not allowed here. Allowed are '" in answer.detail
        assert all(pattern in answer.detail for pattern in allowed)
        assert "ask the operator to add another to the setting registry_allow_list" in answer.detail
        assert kubectl.list(SPIN_APPS) == []


def test_the_stacks_own_repository_is_always_allowed(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_ALLOW_LIST", "[]")
    monkeypatch.setenv("DEFAULT_IMAGE_REPOSITORY", IMAGE.rpartition(":")[0])
    assert deploy(app_name="my-function").status == 200


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"image_ref": IMAGE}, ["body", "namespace"]),
        ({"namespace": "default"}, ["body", "image_ref"]),
        ({"namespace": "default", "image_ref": IMAGE, "imageref": "x"}, ["body", "imageref"]),
        ({"namespace": "default", "image_ref": IMAGE, "use_spot": "true"}, ["body", "use_spot"]),
        ({"namespace": "default", "image_ref": "nginx"}, ["body", "image_ref"]),
        ({"namespace": "default", "image_ref": IMAGE, "enable_autoscaling": True, "replicas": 2}, ["body"]),
        ([], ["body"]),
        ("text", ["body"]),
    ],
)
def test_a_body_of_the_wrong_form_is_answered_field_by_field(
    server: KubernetesServer, body: object, where: list[str]
) -> None:
    answer = invoke_raw(json.dumps(body))
    assert answer.status == 422
    assert where in [problem["loc"] for problem in answer.body["detail"]]
    assert server.calls == []


def test_a_body_that_is_no_json() -> None:
    assert invoke_raw("{").status == 422


def test_what_admission_says_reaches_the_caller_cut_to_size(
    deploy: Deploy, server: KubernetesServer, kubectl: Administrator
) -> None:
    server.fail(verb="create", plural="spinapps", status=422, reason="Invalid", message="no such field; " * 100)
    answer = deploy(app_name="my-function")
    assert answer.status == 422
    assert answer.detail.startswith("Could not create SpinApp 'my-function' in namespace")
    assert "no such field" in answer.detail
    assert len(answer.detail) < 800


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function writes to its log."""
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    return written


def test_a_secret_in_a_refused_object_is_not_logged(
    deploy: Deploy,
    server: KubernetesServer,
    log: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    message = 'spec.variables[0].value: Invalid value: "hunter2"'
    server.fail(verb="create", plural="spinapps", status=422, reason="Invalid", message=message)
    deploy(variables={"password": "hunter2"})
    deploy(variables={"password": "hunter2"})
    logged = str([vars(record) for record in caplog.records])
    assert "deploy failed" in logged
    assert "deployed" in logged
    printed = capsys.readouterr()
    assert "hunter2" not in logged + log.getvalue() + printed.out + printed.err


def test_a_log_entry_names_the_namespace_of_its_own_request_alone(deploy: Deploy, log: io.StringIO) -> None:
    deploy(namespace="one")
    deploy(namespace="two")
    invoke_raw("{")
    logger.info("afterwards")
    entries = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [entry.get("namespace") for entry in entries if "audit" not in entry] == ["one", "two", None]
    assert [entry["namespace"] for entry in entries if "audit" in entry and "namespace" in entry] == ["one", "two"]


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        (
            'horizontalpodautoscalers "my-function" is forbidden: exceeded quota: hpas, requested: 1, used: 5',
            "Free or raise the quota",
        ),
        (
            'spinapps "my-function" is forbidden: unable to create new content because it is being terminated',
            "create it again once it is gone",
        ),
    ],
)
def test_what_the_namespace_does_not_take_is_the_callers_matter(
    deploy: Deploy, server: KubernetesServer, message: str, advice: str
) -> None:
    server.fail(verb="create", plural="spinapps", status=403, reason="Forbidden", message=message)
    answer = deploy(app_name="my-function")
    assert answer.status == 409
    assert advice in answer.detail
    assert ("quota" in answer.detail) is ("quota" in message)


LIMITS = {"limits": [{"type": "Container", "default": {"memory": "512Mi", "cpu": "1"}}, {"type": "Pod"}]}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"memory_request": "1Gi"}, 422),
        ({"cpu_request": "1500m"}, 422),
        ({"memory_request": "512Mi"}, 200),
        ({"memory_request": "1Gi", "memory_limit": "1Gi"}, 200),
        ({"memory_limit": "2Gi"}, 200),
    ],
)
def test_a_request_over_the_limit_that_the_namespace_gives(
    deploy: Deploy, kubectl: Administrator, fields: dict[str, Any], status: int
) -> None:
    """Its pods would never be made: without a limit of its own the container gets the LimitRange's."""
    kubectl.create(LIMIT_RANGES, "defaults", LIMITS)
    deploy(app_name="old")
    for name in ("new", "old"):
        answer = deploy(app_name=name, **fields)
        assert answer.status == status
        if status == 422:
            (field,) = fields
            assert f"{field} {fields[field]} exceeds" in answer.detail
            assert f"send {field.replace('request', 'limit')} too" in answer.detail
