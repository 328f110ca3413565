"""The API server of the folder, over HTTPS with a bearer token, as the clients of the one-machine cloud meet it.

It is the stand-in, and in `make conformance` a real kube-apiserver too (see `tests.support.control_plane`).
"""

from __future__ import annotations

import json
import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from kubernetes import client

from local.kubernetes.api import ServerThread, StaticTokenAuthenticator, User, create_app
from tests.support.control_plane import SERVERS, STAND_IN, real_server, skip_where_different

TOKEN = "test-token"
GROUP, VERSION = "core.spinkube.dev", "v1alpha1"
EXECUTOR = "containerd-shim-spin"


@dataclass(frozen=True)
class ApiServer:
    """A server and an administrator's way into it."""

    url: str
    ca: Path
    token: str
    state: Any = None
    """What the stand-in shows of its inside; nothing of a real one."""


@dataclass(frozen=True)
class Tls:
    """Files of a certificate for 127.0.0.1."""

    ca: Path
    cert: Path
    key: Path


class Http:
    """Plain HTTP to the server: for bodies and headers that no client library sends."""

    def __init__(self, url: str, ca: Path, token: str = TOKEN) -> None:
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "tests/1"}
        context = ssl.create_default_context(cafile=ca)
        self.client = httpx.Client(base_url=url, verify=context, headers=headers, trust_env=False, timeout=10)

    def __call__(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        return self.client.request(method, path, content=content, params=query, headers={"Content-Type": content_type})

    def ok(self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str) -> Any:
        response = self(method, path, body, content_type, **query)
        assert response.is_success, response.text
        return response.json()

    def refused(
        self, code: int, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> Any:
        response = self(method, path, body, content_type, **query)
        assert response.status_code == code, response.text
        status = response.json()
        assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", code)
        return status

    def unserved(self, path: str) -> None:
        """Wait until the server knows nothing of the path."""
        deadline = time.monotonic() + 30
        while (response := self("GET", path)).text != "404 page not found\n":
            assert time.monotonic() < deadline, response.text
            time.sleep(0.1)

    def until(self, path: str, holds: Callable[[Any], bool]) -> None:
        """Wait until what is at the path holds: a real cluster's controllers take a moment."""
        deadline = time.monotonic() + 30
        while not holds(found := self("GET", path).json()):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def gone(self, path: str) -> None:
        """Wait until there is nothing at the path."""
        self.until(path, lambda found: found.get("code") == 404)

    def apply(self, path: str, body: Any, manager: str, **query: str) -> httpx.Response:
        return self("PATCH", path, body, "application/apply-patch+yaml", fieldManager=manager, **query)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    files = Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(files.ca))
    issued.private_key_pem.write_to_path(str(files.key))
    for index, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(str(files.cert), append=index > 0)
    return files


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest, tls: Tls) -> Iterator[ApiServer]:
    real = real_server()
    if request.param != STAND_IN and real:
        yield ApiServer(real.url, real.ca_file, real.administrator)
        return
    users = StaticTokenAuthenticator({TOKEN: User("admin", ("system:masters",))})
    app = create_app(
        authenticators=[users], logs=lambda pod, options: f"{pod['metadata']['name']} {options.tail_lines}\n"
    )
    with ServerThread(app, cert_file=tls.cert, key_file=tls.key) as running:
        yield ApiServer(running.url, tls.ca, TOKEN, app.state)


@pytest.fixture(autouse=True)
def _differences(request: pytest.FixtureRequest) -> None:
    skip_where_different(request)


@pytest.fixture(scope="session")
def http(server: ApiServer) -> Iterator[Http]:
    http = Http(server.url, server.ca, server.token)
    yield http
    http.client.close()


@pytest.fixture(scope="session")
def api(server: ApiServer) -> Iterator[client.ApiClient]:
    configuration = client.Configuration()
    configuration.host = server.url
    configuration.ssl_ca_cert = str(server.ca)
    configuration.api_key = {"authorization": f"Bearer {server.token}"}
    configuration.retries = False
    with client.ApiClient(configuration) as api:
        yield api


@pytest.fixture
def namespace(http: Http) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    http.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    executor = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SpinAppExecutor",
        "metadata": {"name": EXECUTOR},
        "spec": {"createDeployment": True, "deploymentConfig": {"runtimeClassName": "wasmtime-spin-v2"}},
    }
    http.ok("POST", f"/apis/{GROUP}/{VERSION}/namespaces/{name}/spinappexecutors", executor)
    http.until(f"/api/v1/namespaces/{name}/serviceaccounts/default", lambda found: found["kind"] == "ServiceAccount")
    yield name
    http("DELETE", f"/api/v1/namespaces/{name}")


def spinapp(name: str, **spec: Any) -> dict[str, Any]:
    """A SpinApp that the server accepts; a field given as None is left out."""
    fields = {"image": "registry.example/x:1", "executor": EXECUTOR, "replicas": 1, **spec}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "SpinApp",
        "metadata": {"name": name, "labels": {"app": name, "team": "a"}},
        "spec": {key: value for key, value in fields.items() if value is not None},
    }


def spinapps(namespace: str, name: str = "") -> str:
    """The path of a namespace's SpinApps, or of one."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/spinapps" + (f"/{name}" if name else "")


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    """A Deployment with one container ``c``."""
    labels = {"x": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }
