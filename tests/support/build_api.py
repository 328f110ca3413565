"""Calls the build API as API Gateway does."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from functions.handlers import builds, health
from tests.support.events import LambdaContext, body_of, http_event, upload_event

WORKSPACE = "my-workspace"
SOURCE = b"x = 1\n"
PASSWORD = "s3cret-registry-password"


def call(event: dict[str, Any], claims: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The answer to an event; ``claims`` are those of a token that a JWT authorizer has checked."""
    if claims is not None:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    answer = of_function(event)
    return {**answer, "statusCode": int(answer["statusCode"])}


def of_function(event: dict[str, Any]) -> dict[str, Any]:
    """The answer of the function that has the route, as the template says."""
    http = event["requestContext"]["http"]
    function = health if (http["method"], event["rawPath"]) == ("GET", "/health") else builds
    answer: dict[str, Any] = function.handler(event, LambdaContext())
    return answer


def upload(
    file: tuple[str, bytes] | None = ("app.py", SOURCE),
    /,
    *,
    key: str | None = None,
    claims: Mapping[str, str] | None = None,
    **fields: str,
) -> dict[str, Any]:
    """POST /api/v1/build-and-push, with ``key`` as its Idempotency-Key."""
    event = upload_event({"workspace_id": WORKSPACE, **fields}, file)
    if key is not None:
        event["headers"]["idempotency-key"] = key
    return call(event, claims)


def started(file: tuple[str, bytes] = ("app.py", SOURCE), **fields: Any) -> str:
    """Id of the task of an upload that is accepted."""
    answer = upload(file, **fields)
    assert answer["statusCode"] == 202, answer["body"]
    return str(body_of(answer)["task_id"])


def announcement(**fields: Any) -> dict[str, Any]:
    """A body of POST /api/v1/uploads."""
    return {"workspace_id": WORKSPACE, "file_name": "app.py", "size": 6, "sha256": "0f" * 32, **fields}


def announce(
    body: dict[str, Any], *, key: str | None = None, claims: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """POST /api/v1/uploads."""
    headers = {"content-type": "application/json", **({"idempotency-key": key} if key is not None else {})}
    return call(http_event("POST", "/api/v1/uploads", headers=headers, body=json.dumps(body).encode()), claims)


def request(method: str, path: str, *, claims: Mapping[str, str] | None = None, **query: Any) -> dict[str, Any]:
    """Any request without a body."""
    return call(http_event(method, path, query={name: str(value) for name, value in query.items()}), claims)


def task(task_id: str, workspace_id: str = WORKSPACE, **query: Any) -> dict[str, Any]:
    """Body of GET /api/v1/tasks/{task_id}."""
    return body_of(request("GET", f"/api/v1/tasks/{task_id}", workspace_id=workspace_id, **query))


def zip_of(**files: bytes) -> bytes:
    """A .zip archive; ``__`` in a name stands for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()
