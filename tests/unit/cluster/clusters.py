"""The clusters that deploys are tested on: the stand-in in this process, and the real one of `make conformance`.

Both are ASGI applications, so that `kubernetes_server` can stand before either of them.
"""

import json
import ssl
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from functions.cluster.permissions import everywhere, in_namespaces, rules
from functions.cluster.resources import HTTP_ROUTES, INGRESSES, NAMESPACES, SERVICE_ACCOUNTS, SPIN_APPS, Resource
from local.kubernetes.api import StaticTokenAuthenticator, User, create_app
from local.kubernetes.api.authentication import Authenticator
from local.kubernetes.api.decoding import WriteOptions
from local.kubernetes.api.patches import APPLY_PATCH
from local.kubernetes.api.store import Key
from local.kubernetes.controllers.spinapp import FIELD_MANAGER
from local.kubernetes.kubeconfig import write_kubeconfig
from local.kubernetes.kubelet.logs import LogFolder
from local.kubernetes.kubelet.pod_logs import read_pod_log
from local.kubernetes.kustomization import build
from local.kubernetes.real_cluster.proxy import create_proxy
from local.kubernetes.seed import CLUSTER_MANIFESTS
from tests.support.control_plane import RealServer

DEPLOYER = "blue-faas-deployer"
ROLE = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_BINDING = Resource("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", False)
BINDING = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")


class Cluster(Protocol):
    """What the tests need of a cluster besides its API."""

    pace: float
    """How many times as long as the stand-in's its answers take, at most."""

    def app(self, deployers: Authenticator, administrator: str) -> Starlette:
        """The API: ``deployers`` says who is one, ``administrator`` is the token of who may do anything."""
        ...

    def grant_deployers(self) -> None:
        """Give deployers their rights, as whoever sets up the cluster does."""
        ...

    def ensure(self, resource: Resource, namespace: str, body: dict[str, Any]) -> None:
        """Create an object unless it is there, or bring it up to date."""
        ...

    def apply_as_operator(self, resource: Resource, namespace: str, body: dict[str, Any]) -> None:
        """Server-side apply by force, as spin-operator writes."""
        ...

    def spin_apps(self, namespace: str) -> list[dict[str, Any]]:
        """The SpinApps of a namespace."""
        ...

    def past_webhooks(self, namespace: str, name: str, spec: dict[str, Any]) -> None:
        """Set fields of a SpinApp past the operator's webhooks."""
        ...

    def open_namespace(self, namespace: str) -> None:
        """Make a namespace that deployers may use, without executors."""
        ...


class StandIn:
    """The API server of the one-machine cloud. The rights of deployers are exactly the permissions table's."""

    pace = 1.0

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pod-logs-")
        self._logs = LogFolder(Path(self._folder.name))

    def prints(self, pod: dict[str, Any], lines: Sequence[str], run: int = 0) -> None:
        """Let a pod's container have printed lines, each with its time before it, in its run of this number."""
        meta, container = pod["metadata"], pod["spec"]["containers"][0]["name"]
        self._logs.open(meta["namespace"], meta["name"], meta["uid"], container, run).close()
        path = self._logs.path(meta["namespace"], meta["name"], meta["uid"], container)
        assert path is not None
        path.write_text("".join(f"{line.replace(' ', ' stdout F ', 1)}\n" for line in lines))

    def app(self, deployers: Authenticator, administrator: str) -> Starlette:
        administrators = StaticTokenAuthenticator({administrator: User("kubectl", ("system:masters",))})
        app = create_app(
            authenticators=[administrators, deployers],
            rbac=True,
            logs=lambda pod, options: read_pod_log(self._logs, pod, options),
        )
        self._objects = app.state.objects
        return app

    def grant_deployers(self) -> None:
        reference = {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": DEPLOYER}
        subject = {"apiGroup": ROLE.group, "kind": "Group", "name": DEPLOYER}
        granted = [rules(scope(route)) for route in (INGRESSES, HTTP_ROUTES) for scope in (in_namespaces, everywhere)]
        self.ensure(ROLE, "", {"metadata": {"name": DEPLOYER}, "rules": [rule for each in granted for rule in each]})
        binding = {"metadata": {"name": DEPLOYER}, "roleRef": reference, "subjects": [subject]}
        self.ensure(CLUSTER_BINDING, "", binding)

    def ensure(self, resource: Resource, namespace: str, body: dict[str, Any]) -> None:
        known = self._objects.registry.by_key((resource.group, resource.plural))
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        self._objects.ensure(known, namespace, {**kind, **body})

    def apply_as_operator(self, resource: Resource, namespace: str, body: dict[str, Any]) -> None:
        known = self._objects.registry.by_key((resource.group, resource.plural))
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        options = WriteOptions(manager=FIELD_MANAGER, force=True)
        self._objects.patch(known, namespace, body["metadata"]["name"], APPLY_PATCH, whole, options)

    def spin_apps(self, namespace: str) -> list[dict[str, Any]]:
        return [app for _, app in self._objects.store.select((SPIN_APPS.group, SPIN_APPS.plural), namespace)]

    def past_webhooks(self, namespace: str, name: str, spec: dict[str, Any]) -> None:
        key = Key(SPIN_APPS.group, SPIN_APPS.plural, namespace, name)
        app = self._objects.store.get(key)
        self._objects.store.put(key, {**app, "spec": {**app["spec"], **spec}})

    def open_namespace(self, namespace: str) -> None:
        self.ensure(NAMESPACES, "", {"metadata": {"name": namespace}})


class RealCluster:
    """A real API server; deployers come to it as a user who has nothing but the rights of ``cluster/``."""

    pace = 5.0

    def __init__(self, server: RealServer) -> None:
        self._server = server
        context = ssl.create_default_context(cafile=server.ca_file)
        headers = {"Authorization": f"Bearer {server.administrator}"}
        self._http = httpx.Client(base_url=server.url, verify=context, headers=headers, trust_env=False, timeout=30)

    def app(self, deployers: Authenticator, administrator: str) -> Starlette:
        ways = {token: self._way(token) for token in (self._server.administrator, self._server.deployer)}

        async def api(scope: Scope, receive: Receive, send: Send) -> None:
            shown = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
            token = self._server.administrator
            if shown != administrator:
                token = self._server.deployer if await deployers(shown) else ""
            headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
            headers.append((b"authorization", f"Bearer {token}".encode()))
            await ways[token or self._server.deployer]({**scope, "headers": headers}, receive, send)

        return Starlette(routes=[Mount("/", api)])

    def _way(self, token: str) -> Starlette:
        """A proxy that takes and hands on this token."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "kubeconfig"
            ca_pem = self._server.ca_file.read_bytes()
            write_kubeconfig(path, cluster="real", url=self._server.url, ca_pem=ca_pem, token=token)
            return create_proxy(path, cluster_name="real", sts_endpoint="", admin_token=token)

    def grant_deployers(self) -> None:
        """Rights on routes; ``cluster/base`` is applied, and `open_namespace` applies the tenant's part."""
        name = "routes-of-the-deploy-tests"
        wanted = [(route, scope) for route in (INGRESSES, HTTP_ROUTES) for scope in (in_namespaces, everywhere)]
        granted = [rules({route: scope(route)[route]})[0] for route, scope in wanted]
        reference = {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": name}
        subject = {"apiGroup": ROLE.group, "kind": "Group", "name": DEPLOYER}
        self.ensure(ROLE, "", {"metadata": {"name": name}, "rules": granted})
        self.ensure(CLUSTER_BINDING, "", {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]})

    def ensure(self, resource: Resource, namespace: str, body: dict[str, Any]) -> None:
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        response = self._http.post(resource.path(namespace or None), json={**kind, **body})
        assert response.is_success or response.status_code == 409, response.text

    def apply_as_operator(self, resource: Resource, namespace: str, body: dict[str, Any]) -> None:
        whole = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        path = resource.path(namespace, body["metadata"]["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        headers = {"Content-Type": APPLY_PATCH}
        response = self._http.patch(path, content=json.dumps(whole), params=query, headers=headers)
        assert response.is_success, response.text

    def spin_apps(self, namespace: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._http.get(SPIN_APPS.path(namespace)).json()["items"]
        kind = {"apiVersion": SPIN_APPS.api_version, "kind": SPIN_APPS.kind}
        return [{**kind, **item} for item in items]

    def past_webhooks(self, namespace: str, name: str, spec: dict[str, Any]) -> None:
        raise NotImplementedError("the webhooks of the real server are on: mark the test stand_in_only")

    def open_namespace(self, namespace: str) -> None:
        self.ensure(NAMESPACES, "", {"metadata": {"name": namespace}})
        for body in build(CLUSTER_MANIFESTS / "tenant"):
            if body["kind"] == BINDING.kind:
                self.ensure(BINDING, namespace, body)
        # Pods are refused until a controller has made it.
        deadline = time.monotonic() + 30
        account = SERVICE_ACCOUNTS.path(namespace, "default")
        while not self._http.get(account).is_success:
            assert time.monotonic() < deadline, f"no {account} after 30 s"
            time.sleep(0.02)
