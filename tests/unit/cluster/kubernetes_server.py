"""A Kubernetes API server on this machine, as a deploy meets it: HTTPS, EKS tokens, RBAC, and failures on demand.

The API is a cluster's of `tests.unit.cluster.clusters`. Around it stand what the tests need: the deployer's calls are
recorded; after each write of a SpinApp its Service and Deployment are applied, as the operator would see to; and a
`Fault` answers, delays or cuts off the calls it matches. What the administrator does passes by all of it.
"""

import asyncio
import base64
import copy
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx
import trustme
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.cluster.resources import DEPLOYMENTS, EXECUTORS, SERVICES, SPIN_APPS, Resource
from local.kubernetes.api import ServerThread, User
from local.kubernetes.controllers.spinapp_objects import deployment_for, service_for
from tests.unit.cluster.clusters import DEPLOYER, Cluster

ADMINISTRATOR = "administrator"
_COLLECTION = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/.))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+)(?P<subresource>/.+)?)?"
)
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update"}


@dataclass(frozen=True)
class Call:
    """One call of the deployer's, as RBAC sees it."""

    verb: str
    group: str
    plural: str
    namespace: str
    name: str
    dry_run: bool


@dataclass
class Fault:
    """What goes wrong with the next ``times`` calls of ``verb`` on ``plural`` (an empty one matches any)."""

    verb: str = ""
    plural: str = ""
    status: int = 0
    """Answer with this status instead of doing anything."""
    reason: str = ""
    message: str = "told to fail"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Answer with this instead of a Status object."""
    delay: float = 0
    """Seconds to let pass first, at the stand-in's pace."""
    cut: Literal["", "before", "after"] = ""
    """Break the connection before or after the call has been carried out."""
    dry_run: bool | None = None
    """Match only dry runs, or only real calls."""
    times: int = 1
    meanwhile: Callable[[], object] | None = None
    """Run in a thread of its own before the call is carried out: what others do at that moment."""

    def matches(self, call: Call) -> bool:
        return (
            self.times > 0
            and self.verb in ("", call.verb)
            and self.plural in ("", call.plural)
            and self.dry_run in (None, call.dry_run)
        )


class KubernetesServer:
    """The server in a thread of its own; `stop` it in the end."""

    def __init__(self, certificate_file: Path, cluster: Cluster) -> None:
        self._cluster = cluster
        self.pace = cluster.pace
        """How many times as long the server may take as the stand-in."""
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.tokens: list[str] = []
        """Tokens that the deployer signed in with."""
        self.refused_tokens: set[str] = set()
        self.operator_runs = True
        api = cluster.app(self._authenticate, ADMINISTRATOR)
        api.add_middleware(_Interference, server=self)
        self._thread = ServerThread(api, cert_file=certificate_file, key_file=certificate_file).start()
        self.endpoint = self._thread.url

    def grant_deployers(self) -> None:
        """Give deployers their rights, as whoever sets up the cluster does."""
        self._cluster.grant_deployers()

    def stop(self) -> None:
        self._thread.stop()

    def fail(self, **fault: Any) -> Fault:
        """Let the next matching call go wrong (see `Fault`)."""
        self.faults.append(Fault(**fault))
        return self.faults[-1]

    def reset(self) -> None:
        self.calls.clear()
        self.faults.clear()
        self.tokens.clear()
        self.refused_tokens.clear()
        self.operator_runs = True

    async def _authenticate(self, token: str) -> User | None:
        """The deployer, by a token of EKS's form (that STS accepts it is another test's matter)."""
        self.tokens.append(token)
        known = token.startswith("k8s-aws-v1.") and token not in self.refused_tokens
        return User("arn:aws:sts::123456789012:assumed-role/deploy", (DEPLOYER,)) if known else None

    def prepare(self, namespace: str, executors: Sequence[str]) -> None:
        """Make a namespace with SpinAppExecutors."""
        self._cluster.open_namespace(namespace)
        for name in executors:
            self._cluster.ensure(EXECUTORS, namespace, {"metadata": {"name": name}, "spec": _executor(name)})

    def past_webhooks(self, namespace: str, name: str, spec: dict[str, Any]) -> None:
        """Set fields of a SpinApp as whoever did so while the operator's webhooks were off."""
        self._cluster.past_webhooks(namespace, name, spec)

    def operate(self, namespace: str) -> None:
        """Apply what the operator applies for the SpinApps of a namespace, without its Secrets."""
        for app in self._cluster.spin_apps(namespace):
            executor = {"spec": _executor(app["spec"]["executor"])}
            self._cluster.apply_as_operator(DEPLOYMENTS, namespace, deployment_for(app, executor, None, None))
            self._cluster.apply_as_operator(SERVICES, namespace, service_for(app))


class _Interference:
    """ASGI middleware between the deployer and the API server."""

    def __init__(self, app: ASGIApp, server: KubernetesServer) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        if token == ADMINISTRATOR:
            await self._app(scope, receive, send)
            return
        call = _call(scope)
        self._server.calls.append(call)
        fault = next((fault for fault in self._server.faults if fault.matches(call)), None)
        if fault is None:
            await self._carry_out(call, scope, receive, send)
            return
        fault.times -= 1
        if fault.meanwhile is not None:
            await asyncio.to_thread(fault.meanwhile)
        await asyncio.sleep(fault.delay * self._server.pace)
        if fault.cut:
            if fault.cut == "after":
                await self._carry_out(call, scope, receive, _nowhere)
            scope["state"]["transport"].abort()
        elif fault.status:
            body = fault.body or _status(fault.status, fault.reason, fault.message)
            await _answer(send, fault.status, body, fault.headers)
        else:
            await self._carry_out(call, scope, receive, send)

    async def _carry_out(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            done = message["type"] == "http.response.start" and message["status"] in (200, 201)
            written = done and call.verb in ("create", "patch") and not call.dry_run
            if written and call.plural == SPIN_APPS.plural and self._server.operator_runs:
                await asyncio.to_thread(self._server.operate, call.namespace)
            await send(message)

        await self._app(scope, receive, noting)


def _executor(name: str) -> dict[str, Any]:
    """The spec of an executor whose RuntimeClass has its name."""
    return {"createDeployment": True, "deploymentConfig": {"runtimeClassName": name, "installDefaultCACerts": True}}


class Administrator:
    """What somebody with kubectl sees and does, in one namespace at a time."""

    def __init__(self, server: KubernetesServer, authority: trustme.CA) -> None:
        context = httpx.create_ssl_context()
        authority.configure_trust(context)
        headers = {"Authorization": f"Bearer {ADMINISTRATOR}"}
        self._server = server
        self._http = httpx.Client(base_url=server.endpoint, verify=context, headers=headers)
        self.namespace = "default"

    def within(self, namespace: str) -> "Administrator":
        """The same, in another namespace."""
        other = copy.copy(self)
        other.namespace = namespace
        return other

    def find(self, resource: Resource, name: str) -> dict[str, Any] | None:
        response = self._http.get(resource.path(self.namespace, name))
        if response.status_code == 404:
            return None
        return _ok(response)

    def get(self, resource: Resource, name: str) -> dict[str, Any]:
        return _ok(self._http.get(resource.path(self.namespace, name)))

    def list(self, resource: Resource) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = _ok(self._http.get(resource.path(self.namespace)))["items"]
        return items

    def create(self, resource: Resource, name: str, spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, **more},
            **({} if spec is None else {"spec": spec}),
        }
        return _ok(self._http.post(resource.path(self.namespace), json=body))

    def create_app(self, name: str, spec: dict[str, Any]) -> None:
        """A SpinApp made by hand, with what the operator makes for it."""
        self.create(SPIN_APPS, name, spec)
        self._server.operate(self.namespace)

    def patch(self, resource: Resource, name: str, patch: dict[str, Any], subresource: str = "") -> dict[str, Any]:
        path = resource.path(self.namespace, name) + subresource
        headers = {"Content-Type": "application/merge-patch+json"}
        return _ok(self._http.patch(path, content=json.dumps(patch), headers=headers))

    def delete(self, resource: Resource, name: str) -> None:
        _ok(self._http.delete(resource.path(self.namespace, name)))

    def close(self) -> None:
        self._http.close()


def token_url(token: str) -> str:
    """The presigned URL inside an EKS token, decoded as aws-iam-authenticator does: base64url without padding."""
    coded = token.removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()


def _ok(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    value: dict[str, Any] = response.json()
    return value


def _call(scope: Scope) -> Call:
    query = parse_qs(scope["query_string"].decode())
    match = _COLLECTION.fullmatch(urlsplit(scope["path"]).path)
    assert match is not None, scope["path"]
    verb = _VERBS.get(scope["method"]) or ("get" if match["name"] else "watch" if "watch" in query else "list")
    name, namespace = match["name"] or "", match["namespace"] or ""
    plural = match["plural"] + (match["subresource"] or "")
    return Call(verb, match["group"] or "", plural, namespace, name, "dryRun" in query)


def _status(code: int, reason: str, message: str) -> bytes:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return json.dumps({**status, "message": message, "reason": reason, "code": code}).encode()


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    pairs += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def _nowhere(_: Message) -> None:
    """The answer that is lost."""
