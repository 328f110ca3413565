"""RBAC: what roles and bindings allow, and how the server says no."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.kubernetes.api import ServerThread, StaticTokenAuthenticator, User, create_app
from local.tests.kubernetes_api.conftest import GROUP, VERSION, Http, Tls, spinapp, spinapps
from tests.support.control_plane import SERVERS, STAND_IN, real_server

RBAC = "/apis/rbac.authorization.k8s.io/v1"
USERS = {
    "root": User("root", ("system:masters",)),
    "deployer": User("deployer", ("deployers",)),
    "robot": User("system:serviceaccount:default:robot"),
    "nobody": User("nobody"),
}


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tls: Tls) -> Iterator[dict[str, Http]]:
    """A server with rights for `USERS`, as each of them meets it."""
    real = real_server()
    if request.param != STAND_IN and real:
        yield from _users({name: Http(real.url, real.ca_file, real.administrator) for name in USERS}, impersonated=True)
        return
    app = create_app(authenticators=[StaticTokenAuthenticator(USERS)], rbac=True)
    with ServerThread(app, cert_file=tls.cert, key_file=tls.key) as running:
        yield from _users({name: Http(running.url, tls.ca, name) for name in USERS})


def _users(clients: dict[str, Http], *, impersonated: bool = False) -> Iterator[dict[str, Http]]:
    for name, user in USERS.items():
        if impersonated:
            groups = [("Impersonate-Group", group) for group in user.groups]
            headers = [*clients[name].client.headers.multi_items(), ("Impersonate-User", user.name), *groups]
            clients[name].client.headers = httpx.Headers(headers)
    root = clients["root"]
    executor = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SpinAppExecutor",
        "metadata": {"name": "containerd-shim-spin"},
        "spec": {"createDeployment": True, "deploymentConfig": {"runtimeClassName": "wasmtime-spin-v2"}},
    }
    root.ok("POST", f"/apis/{GROUP}/{VERSION}/namespaces/default/spinappexecutors", executor)
    rules = [
        {"apiGroups": [GROUP], "resources": ["spinapps"], "verbs": ["get", "list", "create", "patch"]},
        {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["get"]},
    ]
    root.ok("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "deployer"}, "rules": rules})
    bind(root, "default", "deployer", [{"kind": "Group", "name": "deployers"}])
    bind(root, "default", "robot", [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}])
    yield clients
    for http in clients.values():
        http.client.close()


def bind(root: Http, namespace: str, name: str, subjects: list[dict[str, Any]]) -> None:
    reference = {"kind": "ClusterRole", "name": "deployer"}
    body = {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects}
    root.ok("POST", f"{RBAC}/namespaces/{namespace}/rolebindings", body)


@pytest.fixture
def as_user(server: dict[str, Http]) -> dict[str, Http]:
    return server


def test_a_bound_group_may_do_what_its_role_says(as_user: dict[str, Http]) -> None:
    deployer = as_user["deployer"]
    deployer.ok("POST", spinapps("default"), spinapp("a"))
    assert deployer.ok("GET", spinapps("default", "a"))["spec"]["replicas"] == 1
    status = deployer.refused(403, "DELETE", spinapps("default", "a"))
    assert status["message"] == (
        'spinapps.core.spinkube.dev "a" is forbidden: User "deployer" cannot delete resource "spinapps" '
        'in API group "core.spinkube.dev" in the namespace "default"'
    )
    assert status["details"] == {"name": "a", "group": GROUP, "kind": "spinapps"}


def test_a_role_binding_counts_in_its_namespace_only(as_user: dict[str, Http]) -> None:
    status = as_user["deployer"].refused(403, "POST", spinapps("kube-system"), spinapp("a"))
    assert status["message"] == (
        'spinapps.core.spinkube.dev is forbidden: User "deployer" cannot create resource "spinapps" '
        'in API group "core.spinkube.dev" in the namespace "kube-system"'
    )
    status = as_user["deployer"].refused(403, "GET", f"/apis/{GROUP}/{VERSION}/spinapps")
    assert status["message"].endswith("at the cluster scope")


def test_service_accounts_subresources_and_names(as_user: dict[str, Http]) -> None:
    robot, base = as_user["robot"], "/api/v1/namespaces/default"
    robot.ok("GET", spinapps("default"))
    robot.refused(404, "GET", f"{base}/pods/none/log")
    robot.refused(403, "GET", f"{base}/pods/none")
    robot.refused(404, "GET", f"{base}/configmaps/mine")
    robot.refused(403, "GET", f"{base}/configmaps/other")
    robot.refused(403, "GET", f"{base}/configmaps")


def test_everybody_may_discover(as_user: dict[str, Http]) -> None:
    nobody = as_user["nobody"]
    for path in ("/api", "/apis", "/version", "/api/v1", f"/apis/{GROUP}/{VERSION}"):
        nobody.ok("GET", path)
    nobody.refused(403, "GET", "/metrics")


def test_a_removed_binding_counts_no_more(as_user: dict[str, Http]) -> None:
    bind(as_user["root"], "default", "nobody", [{"kind": "User", "name": "nobody"}])
    as_user["nobody"].until(spinapps("default"), lambda found: found.get("code") != 403)
    as_user["root"].ok("DELETE", f"{RBAC}/namespaces/default/rolebindings/nobody")
    as_user["nobody"].until(spinapps("default"), lambda found: found.get("code") == 403)


def test_a_bindings_role_cannot_be_changed(as_user: dict[str, Http]) -> None:
    patch = {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}
    path = f"{RBAC}/namespaces/default/rolebindings/deployer"
    status = as_user["root"].refused(422, "PATCH", path, patch, "application/merge-patch+json")
    assert "cannot change roleRef" in status["message"]
