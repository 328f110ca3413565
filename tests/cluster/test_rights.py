"""The deploy path's calls against the RBAC rules that an operator applies: none refused, none of them idle."""

import json
from collections.abc import Iterator

import pytest

from functions.cluster.permissions import PERMISSIONS
from functions.cluster.resources import PODS, SERVICE_ACCOUNTS, SPIN_APPS
from functions.handlers.deploy import app as deploy_api
from infra.tools.cluster_rbac import ROOT, main, render
from local.kubernetes.kustomization import build
from local.kubernetes.seed import CLUSTER_MANIFESTS
from tests.cluster.conftest import Json, Operator
from tests.unit.cluster.clusters import DEPLOYER
from tests.unit.cluster.conftest import IMAGE, Deploy, invoke_raw
from tests.unit.cluster.kubernetes_server import KubernetesServer

Right = tuple[str, str, str]
"""(API group, plural, verb)"""


def objects(kind: str) -> list[Json]:
    """The objects of one kind in the manifests."""
    everything = [*build(CLUSTER_MANIFESTS / "base"), *build(CLUSTER_MANIFESTS / "tenant")]
    return [body for body in everything if body["kind"] == kind]


def rights(role: str) -> Iterator[Right]:
    """What a ClusterRole of the manifests grants."""
    (found,) = [body for body in objects("ClusterRole") if body["metadata"]["name"] == role]
    for rule in found["rules"]:
        assert "resourceNames" not in rule
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from ((group, resource, verb) for verb in rule["verbs"])


def ask(method: str, path: str, **query: str) -> int:
    """Send a request of the API that has no body; the status of its answer."""
    return invoke_raw("", method=method, path=path, query=query).status


@pytest.fixture
def replay(deploy: Deploy, kubectl: Operator, server: KubernetesServer) -> list[int]:
    """Everything that can be done with apps; the statuses of the answers. The server has recorded the calls."""
    kubectl.create(SERVICE_ACCOUNTS, "runner")
    app = f"/api/v1/apps/{kubectl.namespace}/my-function"
    # A replica, whose log is read: that of a pod on no node is empty.
    labels = {"core.spinkube.dev/app-name": "my-function", "core.spinkube.dev/app.my-function.status": "ready"}
    kubectl.create(PODS, "replica", {"containers": [{"name": "my-function", "image": IMAGE}]}, labels=labels)
    return [
        deploy().status,  # a new name
        deploy(app_name="my-function", service_account="runner").status,  # created with its autoscaler
        deploy(app_name="my-function", image_ref=f"{IMAGE}2", max_replicas=4).status,
        deploy(app_name="my-function", enable_autoscaling=False).status,
        deploy(app_name="my-function", enable_autoscaling=True, use_spot=False).status,
        deploy(app_name="my-function", image_ref=IMAGE).status,  # an older image
        deploy(app_name="my-function", memory_request="64Mi").status,  # a request without a limit
        deploy(app_name="my-function", wait=True, seconds=2).status,
        ask("GET", app),
        ask("GET", f"{app}/logs"),
        ask("GET", f"{app}/metrics"),
        ask("GET", f"{app}/revisions"),
        ask("POST", f"{app}/rollback"),
        ask("GET", "/api/v1/apps", namespace=kubectl.namespace),
        ask("DELETE", app),
    ]


def test_every_route_is_replayed() -> None:
    """A route that is new has to be added to the replay, and then here."""
    app = "/api/v1/apps/{namespace}/{app_name}"
    paths = deploy_api.get_openapi_schema().paths or {}
    routes = {
        (method, path) for path, item in paths.items() for method in ("get", "post", "delete") if getattr(item, method)
    }
    assert routes == {
        ("post", "/api/v1/deploy"),
        ("get", "/api/v1/apps"),
        ("get", app),
        ("get", f"{app}/logs"),
        ("get", f"{app}/metrics"),
        ("get", f"{app}/revisions"),
        ("post", f"{app}/rollback"),
        ("delete", app),
    }


def test_every_call_is_allowed_and_every_right_is_used(
    replay: list[int], deploy: Deploy, kubectl: Operator, server: KubernetesServer
) -> None:
    assert replay == [200] * len(replay)
    assert {call.namespace for call in server.calls} == {kubectl.namespace}
    assert deploy(namespace="missing").status == 404
    server.operator_runs = False
    assert deploy(seconds=2).status == 200  # its Service is waited for

    asked = {(call.group, call.plural, call.verb) for call in server.calls}
    assert asked == {*rights(DEPLOYER), *rights(f"{DEPLOYER}-cluster")}


def test_a_namespace_that_is_not_a_tenants_is_closed(
    deploy: Deploy, kubectl: Operator, server: KubernetesServer
) -> None:
    server.prepare("elsewhere", executors=("spot", "on-demand"))
    answer = deploy(namespace="elsewhere", app_name="my-function")
    assert answer.status == 403
    assert answer.detail.startswith("Namespace 'elsewhere' is not open to this service.")
    assert kubectl.within("elsewhere").list(SPIN_APPS) == []


def test_a_namespace_that_does_not_exist_is_not_found_rather_than_forbidden(deploy: Deploy, kubectl: Operator) -> None:
    answer = deploy(namespace="xxx", app_name="my-function")
    assert (answer.status, answer.detail) == (404, "Namespace 'xxx' not found")


def test_only_what_has_no_namespace_is_granted_everywhere() -> None:
    scoped = {(resource.group, resource.plural): resource.namespaced for resource in PERMISSIONS}
    assert all(scoped[group, plural] for group, plural, _ in rights(DEPLOYER))
    assert not any(scoped[group, plural] for group, plural, _ in rights(f"{DEPLOYER}-cluster"))
    (wide,) = objects("ClusterRoleBinding")
    (narrow,) = objects("RoleBinding")
    assert wide["roleRef"]["name"] == f"{DEPLOYER}-cluster"
    assert narrow["roleRef"]["name"] == DEPLOYER
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": DEPLOYER}
    assert wide["subjects"] == narrow["subjects"] == [group]


def test_no_right_is_a_wildcard_or_leads_to_more_rights() -> None:
    granted = {*rights(DEPLOYER), *rights(f"{DEPLOYER}-cluster")}
    assert not any("*" in right for right in granted)
    assert not {verb for _, _, verb in granted} & {"bind", "escalate", "impersonate", "deletecollection", "update"}
    assert not any(group == "rbac.authorization.k8s.io" for group, _, _ in granted)


def test_the_files_are_what_the_permissions_table_makes_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, f"{capsys.readouterr().out}Run: python -m infra.tools.cluster_rbac"


def test_a_file_that_is_out_of_date_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = {path: f"{text}# more\n" for path, text in render(DEPLOYER, None).items()}
    monkeypatch.setattr("infra.tools.cluster_rbac.render", lambda *_: changed)
    assert main(["--check"]) == 1
    assert "cluster/base/rbac.yaml: out of date" in capsys.readouterr().out


def test_the_names_are_those_of_the_settings() -> None:
    settings = json.loads((ROOT / "cdk.json").read_text())["context"]["blue-faas"]["kubernetes"]
    assert settings["access_group"] == DEPLOYER
    executors = {body["metadata"]["name"]: body["spec"] for body in objects("SpinAppExecutor")}
    assert set(executors) == {settings["executor_spot"], settings["executor_on_demand"]}
    classes = {spec["deploymentConfig"]["runtimeClassName"] for spec in executors.values()}
    assert classes == {body["metadata"]["name"] for body in objects("RuntimeClass")}
