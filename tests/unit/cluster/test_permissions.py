"""The permissions table against what deploys really ask for. The server's RBAC refuses whatever is not in it."""

import pytest

from functions.cluster.permissions import everywhere, in_namespaces, rules
from functions.cluster.resources import DEPLOYMENTS, HTTP_ROUTES, INGRESSES, PODS, SERVICE_ACCOUNTS, Resource
from tests.unit.cluster.conftest import IMAGE, Deploy
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer


def test_every_permission_is_used_and_no_other_is_asked_for(
    deploy: Deploy, call: Deploy, kubectl: Administrator, server: KubernetesServer
) -> None:
    kubectl.create(SERVICE_ACCOUNTS, "runner")
    # A replica, whose log is read.
    labels = {"core.spinkube.dev/app-name": "my-function", "core.spinkube.dev/app.my-function.status": "ready"}
    kubectl.create(PODS, "replica", {"containers": [{"name": "my-function", "image": IMAGE}]}, labels=labels)
    statuses = [
        deploy(app_name="my-function", service_account="runner").status,
        deploy(app_name="my-function", max_replicas=4).status,
        deploy(app_name="my-function", memory_request="64Mi", enable_autoscaling=False).status,
        deploy(app_name="my-function", enable_autoscaling=True).status,
        deploy(app_name="my-function", wait=True, seconds=2).status,
        call("GET", "/missing").status,
        call("GET").status,
        call("GET", "/my-function").status,
        call("DELETE", "/my-function").status,
    ]
    assert statuses == [200, 200, 200, 200, 200, 404, 200, 200, 200]

    server.operator_runs = False
    assert deploy(seconds=2).body["service_status"] == "pending"

    asked = {(call.group, call.plural, call.verb) for call in server.calls}
    granted = {
        (resource.group, resource.plural, verb)
        for rights in (in_namespaces(), everywhere())
        for resource, verbs in rights.items()
        for verb in verbs
    }
    assert asked == granted


def test_the_rules_are_the_table() -> None:
    narrow = rules(in_namespaces())
    assert {"apiGroups": [""], "resources": [PODS.plural], "verbs": ["list"]} in narrow
    assert {"apiGroups": ["apps"], "resources": [DEPLOYMENTS.plural], "verbs": ["get", "patch"]} in narrow
    assert [rule["resources"] for rule in rules(everywhere())] == [["namespaces"]]


@pytest.mark.parametrize("route", [None, INGRESSES, HTTP_ROUTES])
def test_no_rule_is_a_wildcard_or_reads_a_secret_or_runs_a_command(route: Resource | None) -> None:
    every = [*rules(in_namespaces(route)), *rules(everywhere(route))]
    assert all("*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"] for rule in every)
    resources = {resource for rule in every for resource in rule["resources"]}
    assert not resources & {"secrets", "configmaps", "pods/exec", "pods/attach", "pods/portforward"}
