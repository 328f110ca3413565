"""Apps that answer from outside the cluster: the route comes and goes with the host that a deploy names."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.cluster.permissions import everywhere, in_namespaces
from functions.cluster.resources import INGRESSES, ROUTES, SPIN_APPS, Resource
from functions.contracts import settings
from tests.unit.cluster.conftest import HTTP_ROUTE, IMAGE, INGRESS, Deploy
from tests.unit.cluster.kubernetes_server import Administrator, KubernetesServer

HOST = "my-function.apps.example.com"
URL = f"https://{HOST}/"
BACKEND = {"service": {"name": "my-function", "port": {"number": 80}}}
SPECS = {
    "Ingress": {
        "ingressClassName": "alb",
        "rules": [{"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": BACKEND}]}}],
    },
    "HTTPRoute": {
        "hostnames": [HOST],
        "parentRefs": [
            {
                **{"group": "gateway.networking.k8s.io", "kind": "Gateway"},
                **{"namespace": "gateways", "name": "public", "sectionName": "https"},
            }
        ],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"group": "", "kind": "Service", "name": "my-function", "port": 80, "weight": 1}],
            }
        ],
    },
}


@pytest.fixture(params=[INGRESS, HTTP_ROUTE], ids=["Ingress", "HTTPRoute"])
def route(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kubectl: Administrator
) -> Iterator[Resource]:
    """The kind of route that the installation exposes apps with. No route is left: hosts are those of one cluster."""
    _set(monkeypatch, request.param)
    resource = ROUTES[request.param["kind"]]
    yield resource
    for namespace in (kubectl.namespace, "elsewhere", "default"):
        everything = kubectl.within(namespace)
        for left in everything.list(resource):
            everything.delete(resource, left["metadata"]["name"])


def _set(monkeypatch: pytest.MonkeyPatch, expose: dict[str, Any] | None) -> None:
    if expose is None:
        monkeypatch.delenv("KUBERNETES_EXPOSE", raising=False)
    else:
        monkeypatch.setenv("KUBERNETES_EXPOSE", json.dumps(expose))
    settings.reset()


def exposed(host: str | None = HOST) -> dict[str, Any]:
    return {"app_name": "my-function", "expose": {"host": host}}


def test_a_new_app_gets_its_route(deploy: Deploy, call: Deploy, kubectl: Administrator, route: Resource) -> None:
    answer = deploy(**exposed())
    assert (answer.status, answer.body["url"]) == (200, URL), answer.text
    made, app = kubectl.get(route, "my-function"), kubectl.get(SPIN_APPS, "my-function")
    assert made["spec"] == SPECS[route.kind]
    assert made["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "blue-faas"}
    assert made["metadata"].get("annotations") == ({"group": "one"} if route == INGRESSES else None)
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("SpinApp", app["metadata"]["uid"])
    assert call("GET", "/my-function").body["url"] == URL
    assert call("GET").body["apps"][0]["url"] == URL


def test_how_often_the_cluster_is_asked(deploy: Deploy, server: KubernetesServer, route: Resource) -> None:
    deploy(**exposed())
    calls = [f"{call.verb}{'?' if call.dry_run else ''}" for call in server.calls if call.plural == route.plural]
    assert calls == ["get", "list", "create?", "get", "create", "list"]


def test_an_app_that_names_none_has_none(deploy: Deploy, kubectl: Administrator, route: Resource) -> None:
    assert deploy(app_name="my-function").body["url"] is None
    assert kubectl.find(route, "my-function") is None


def test_an_update_that_does_not_speak_of_it_keeps_it(deploy: Deploy, kubectl: Administrator, route: Resource) -> None:
    deploy(**exposed())
    before = kubectl.get(route, "my-function")
    assert deploy(app_name="my-function", function_id="fn-1").body["url"] == URL
    assert kubectl.get(route, "my-function") == before


def test_an_update_changes_the_host(deploy: Deploy, kubectl: Administrator, route: Resource) -> None:
    deploy(app_name="my-function")
    assert deploy(**exposed()).body["url"] == URL
    assert deploy(**exposed("other.apps.example.com")).body["url"] == "https://other.apps.example.com/"
    assert "other.apps.example.com" in json.dumps(kubectl.get(route, "my-function")["spec"])
    assert HOST not in json.dumps(kubectl.get(route, "my-function")["spec"])


@pytest.mark.parametrize("nothing", [{"host": None}, {"host": ""}, {}])
def test_an_update_takes_it_away(
    deploy: Deploy, call: Deploy, kubectl: Administrator, route: Resource, nothing: dict[str, Any]
) -> None:
    deploy(**exposed())
    answer = deploy(app_name="my-function", expose=nothing)
    assert (answer.status, answer.body["url"]) == (200, None)
    assert kubectl.find(route, "my-function") is None
    assert call("GET", "/my-function").body["url"] is None
    assert deploy(app_name="my-function", expose=nothing).status == 200, "nothing is left to take away"


def test_history_shows_it_and_a_rollback_restores_it(
    deploy: Deploy, call: Deploy, kubectl: Administrator, route: Resource
) -> None:
    deploy(**exposed())
    deploy(**exposed(None))
    deploy(app_name="my-function", function_id="fn-1")
    revisions = call("GET", "/my-function/revisions").body["revisions"]
    assert [revision["host"] for revision in revisions] == [None, None, HOST]
    assert ["expose.host" in revision["changed"] for revision in revisions] == [False, True, True]
    back = call("POST", "/my-function/rollback", {"revision": 1})
    assert (back.status, back.body["url"]) == (200, URL), back.text
    assert kubectl.get(route, "my-function")["spec"] == SPECS[route.kind]
    assert call("POST", "/my-function/rollback", {"revision": 2}).body["url"] is None
    assert kubectl.find(route, "my-function") is None


def test_a_rollback_keeps_what_later_deploys_did_not_change(deploy: Deploy, call: Deploy, route: Resource) -> None:
    deploy(**exposed())
    deploy(app_name="my-function", image_ref=f"{IMAGE}2")
    assert call("POST", "/my-function/rollback").body["url"] == URL


def test_a_host_that_is_no_longer_given_keeps_nobody_from_going_back(
    deploy: Deploy, call: Deploy, route: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(**exposed())
    deploy(**exposed(None))
    _set(monkeypatch, {**(INGRESS if route == INGRESSES else HTTP_ROUTE), "domains": ["elsewhere.example"]})
    back = call("POST", "/my-function/rollback", {"revision": 1})
    assert (back.status, back.body["url"]) == (200, None), back.text


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("apps.example.com", "is not below apps.example.com"),
        ("my-function.example.com", "is not below apps.example.com"),
        ("myapps.example.com", "is not below apps.example.com"),
        ("my-function.apps.example.com.evil.example", "is not below apps.example.com"),
    ],
)
def test_a_host_outside_the_domains(
    deploy: Deploy, kubectl: Administrator, route: Resource, host: str, said: str
) -> None:
    answer = deploy(**exposed(host))
    assert (answer.status, said in answer.detail) == (422, True), answer.text
    assert kubectl.find(SPIN_APPS, "my-function") is None


@pytest.mark.parametrize("host", ["a.apps.example.com", "a.b.apps.example.com", "0-x.apps.example.com"])
def test_a_host_below_a_domain(deploy: Deploy, route: Resource, host: str) -> None:
    assert deploy(**exposed(host)).body["url"] == f"https://{host}/"


def test_an_installation_without_a_way_in_says_which_setting(deploy: Deploy, kubectl: Administrator) -> None:
    answer = deploy(**exposed())
    assert answer.status == 422
    assert "kubernetes.expose in cdk.json" in answer.detail
    assert kubectl.find(SPIN_APPS, "my-function") is None
    assert deploy(**exposed(None)).status == 200, "to have none is always possible"


def test_the_host_of_another_app_is_refused(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, route: Resource
) -> None:
    assert deploy(**exposed()).status == 200
    server.prepare("elsewhere", executors=("spot", "on-demand"))
    for namespace in (kubectl.namespace, "elsewhere"):
        for app_name in ("second", "third"):
            taken = deploy(namespace=namespace, app_name=app_name, expose={"host": HOST})
            assert (taken.status, taken.body["detail"]) == (
                409,
                f"expose.host '{HOST}' is in use by another app: choose another host",
            )
            assert kubectl.within(namespace).find(SPIN_APPS, app_name) is None
    assert deploy(**exposed()).status == 200, "its own host is not another's"


def test_an_update_to_anothers_host_changes_nothing(
    deploy: Deploy, call: Deploy, kubectl: Administrator, route: Resource
) -> None:
    deploy(**exposed())
    deploy(app_name="second")
    assert deploy(app_name="second", image_ref=f"{IMAGE}2", expose={"host": HOST}).status == 409
    assert call("GET", "/second").body["revision"] == 1


def test_a_host_that_was_given_up_is_free(deploy: Deploy, route: Resource) -> None:
    deploy(**exposed())
    deploy(**exposed(None))
    assert deploy(app_name="second", expose={"host": HOST}).body["url"] == URL


def test_of_two_at_the_same_time_one_gets_the_host(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, route: Resource
) -> None:
    """The other's route is made after ours was rehearsed, and is older in the order of routes."""
    older = kubectl.within("default")
    server.prepare("default", executors=())
    spec = json.loads(json.dumps(SPECS[route.kind]).replace('"my-function"', '"a"'))
    server.fail(
        verb="create",
        plural=route.plural,
        dry_run=False,
        meanwhile=lambda: older.create(route, "a", spec),
    )
    answer = deploy(**exposed())
    assert answer.status == 409
    assert answer.detail.startswith("SpinApp 'my-function' is deployed, but not reachable from outside: ")
    assert kubectl.find(route, "my-function") is None
    assert older.find(route, "a") is not None


def test_a_route_of_somebody_else_is_left_alone(deploy: Deploy, kubectl: Administrator, route: Resource) -> None:
    theirs = json.loads(json.dumps(SPECS[route.kind]).replace(HOST, "theirs.example"))
    kubectl.create(route, "my-function", theirs)
    answer = deploy(**exposed())
    assert (answer.status, "does not belong to an app" in answer.detail) == (409, True)
    assert deploy(**exposed(None)).status == 200
    assert kubectl.find(route, "my-function") is not None


@pytest.mark.parametrize("verb", ["list", "create"])
def test_a_cluster_that_refuses_the_route_gets_no_app(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, route: Resource, verb: str
) -> None:
    server.fail(verb=verb, plural=route.plural, status=403, reason="Forbidden")
    assert deploy(**exposed()).status == 502
    assert kubectl.find(SPIN_APPS, "my-function") is None


def test_a_route_that_fails_afterwards_is_completed_by_the_same_request(
    deploy: Deploy, kubectl: Administrator, server: KubernetesServer, route: Resource
) -> None:
    server.fail(verb="create", plural=route.plural, dry_run=False, status=429, times=999)
    answer = deploy(seconds=3.0, **exposed())
    assert answer.status == 503
    assert "deploy again with app_name 'my-function' and the same expose" in answer.detail
    server.faults.clear()
    assert deploy(**exposed()).body["url"] == URL
    assert kubectl.get(route, "my-function")["spec"] == SPECS[route.kind]


def test_the_rights_are_those_of_the_table_for_this_kind(
    deploy: Deploy, server: KubernetesServer, route: Resource
) -> None:
    deploy(**exposed())
    deploy(**exposed("other.apps.example.com"))
    deploy(**exposed(None))
    asked = {(call.verb, bool(call.namespace)) for call in server.calls if call.plural == route.plural}
    table = {(verb, True) for verb in in_namespaces(route)[route]} | {
        (verb, False) for verb in everywhere(route)[route]
    }
    assert asked == table
