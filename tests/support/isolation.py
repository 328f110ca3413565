"""Two workspaces, and a request for every operation of the API: who may send it is what the tests of isolation ask.

The operations are those of docs/openapi.json. One that has no request here fails `tests/unit/test_isolation.py`.
"""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from functions.models.workspaces import WorkspacePolicy
from tests.support.events import http_event

ACCOUNT: Final = "123456789012"
TEAMS: Final = ("team-a", "team-b")
ADMINISTRATORS: Final = "administrators"
STRANGERS: Final = "strangers"
"""A team without a workspace."""
NOBODY: Final = "nobodys-workspace"
"""A workspace that nobody has made."""
SHARED: Final = "shared"
"""Namespace that both workspaces may deploy to."""

AUTHORIZERS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "iam": lambda team: {"iam": {"userArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{team}/someone"}},
    "jwt": lambda team: {"jwt": {"claims": {"sub": f"someone-of-{team}", "groups": f"[{team} everybody]"}}},
}
"""What API Gateway says of a caller, by authorizer and team."""


def principals(team: str) -> list[str]:
    """The members of a team under either authorizer. (Where a role's path is, its session's ARN does not say.)"""
    return [f"arn:aws:iam::{ACCOUNT}:role/teams/{team}", f"claim:groups={team}"]


def workspace_of(team: str) -> str:
    """Id of a team's workspace."""
    return f"workspace-of-{team}"


def policy_of(team: str, *namespaces: str) -> WorkspacePolicy:
    """What is written down of a team's workspace."""
    return WorkspacePolicy(principals=principals(team), namespaces=[team, SHARED, *namespaces])


@dataclass(frozen=True)
class Target:
    """What a request is about."""

    workspace_id: str
    task_id: str = "0192f3a0-7c1a-7b3e-9d2f-5a4c6e8b0d12"
    namespace: str = SHARED
    app_name: str = "my-app"
    image: str = f"{ACCOUNT}.dkr.ecr.ap-northeast-2.amazonaws.com/blue-faas:a1"


@dataclass(frozen=True)
class Request:
    """A request as a client sends it."""

    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    form: dict[str, str] | None = None
    """Sent with a file, as multipart."""


REQUESTS: Final[Mapping[str, Callable[[Target], Request]]] = {
    "GET /health": lambda _: Request("/health"),
    "POST /api/v1/build-and-push": lambda of: Request(
        "/api/v1/build-and-push", form={"workspace_id": of.workspace_id, "app_name": of.app_name}
    ),
    "POST /api/v1/uploads": lambda of: Request(
        "/api/v1/uploads",
        body={"workspace_id": of.workspace_id, "file_name": "app.py", "size": 6, "sha256": "ab" * 32},
    ),
    "GET /api/v1/workspaces/{workspace_id}/tasks": lambda of: Request(f"/api/v1/workspaces/{of.workspace_id}/tasks"),
    "GET /api/v1/tasks/{task_id}": lambda of: Request(
        f"/api/v1/tasks/{of.task_id}", query={"workspace_id": of.workspace_id}
    ),
    "GET /api/v1/tasks/{task_id}/logs": lambda of: Request(
        f"/api/v1/tasks/{of.task_id}/logs", query={"workspace_id": of.workspace_id}
    ),
    "DELETE /api/v1/tasks/{task_id}": lambda of: Request(
        f"/api/v1/tasks/{of.task_id}", query={"workspace_id": of.workspace_id}
    ),
    "POST /api/v1/deploy": lambda of: Request(
        "/api/v1/deploy",
        body={
            "workspace_id": of.workspace_id,
            "namespace": of.namespace,
            "app_name": of.app_name,
            "image_ref": of.image,
            "enable_autoscaling": False,
        },
    ),
    "GET /api/v1/apps": lambda of: Request(
        "/api/v1/apps", query={"namespace": of.namespace, "workspace_id": of.workspace_id}
    ),
    "GET /api/v1/apps/{namespace}/{app_name}": lambda of: _app(of),
    "GET /api/v1/apps/{namespace}/{app_name}/logs": lambda of: _app(of, "/logs"),
    "GET /api/v1/apps/{namespace}/{app_name}/metrics": lambda of: _app(of, "/metrics"),
    "GET /api/v1/apps/{namespace}/{app_name}/revisions": lambda of: _app(of, "/revisions"),
    "POST /api/v1/apps/{namespace}/{app_name}/rollback": lambda of: _app(of, "/rollback", {"revision": 1}),
    "DELETE /api/v1/apps/{namespace}/{app_name}": lambda of: _app(of),
    "GET /api/v1/workspaces": lambda _: Request("/api/v1/workspaces"),
    "GET /api/v1/admin/workspaces": lambda _: Request("/api/v1/admin/workspaces"),
    "GET /api/v1/admin/workspaces/{workspace_id}": lambda of: Request(f"/api/v1/admin/workspaces/{of.workspace_id}"),
    "PUT /api/v1/admin/workspaces/{workspace_id}": lambda of: Request(
        f"/api/v1/admin/workspaces/{of.workspace_id}", body={"principals": principals(STRANGERS)}
    ),
    "DELETE /api/v1/admin/workspaces/{workspace_id}": lambda of: Request(f"/api/v1/admin/workspaces/{of.workspace_id}"),
}


@functools.cache
def operations() -> Mapping[str, str]:
    """Every operation of the published description, with its tag."""
    description = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
    return {
        f"{method.upper()} {path}": operation["tags"][0]
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def tagged(*tags: str) -> list[str]:
    """The operations with one of these tags."""
    return sorted(name for name, tag in operations().items() if tag in tags)


def event_for(operation: str, target: Target, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The event that API Gateway hands to the function; ``authorizer`` is what it says of the caller."""
    method, request = operation.partition(" ")[0], REQUESTS[operation](target)
    headers, body = {}, b""
    if request.form is not None:
        prepared = requests.Request(
            method, "http://localhost", data=request.form, files={"file": ("app.py", b"x = 1\n")}
        ).prepare()
        assert isinstance(prepared.body, bytes)
        headers, body = dict(prepared.headers), prepared.body
    elif request.body is not None:
        headers, body = {"content-type": "application/json"}, json.dumps(request.body).encode()
    event = http_event(method, request.path, query=request.query, headers=headers, body=body)
    if authorizer is not None:
        event["requestContext"]["authorizer"] = dict(authorizer)
    return event


def _app(of: Target, rest: str = "", body: dict[str, Any] | None = None) -> Request:
    path = f"/api/v1/apps/{of.namespace}/{of.app_name}{rest}"
    return Request(path, query={"workspace_id": of.workspace_id}, body=body)
