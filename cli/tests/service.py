"""The API over HTTP, made of the real handlers: what a request becomes on its way through API Gateway.

Builds do not run: a test ends them. The cluster's half answers with what a test has put there, checked by the API's own
models.
"""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from functions.contracts.task import TaskKey, TaskStatus
from tests.support.aws_account import Account
from tests.support.build_api import of_function
from tests.support.events import http_event
from tests.support.tasks import outcomes

_METHODS: Final = ["GET", "POST", "PUT", "DELETE"]


@dataclass
class Service:
    """A running API, and what it was asked."""

    account: Account
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    cluster: dict[tuple[str, str], list[BaseModel | tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    """Method and path to answers, one after the other; the last one stays."""
    on_started: Callable[[str], None] | None = None
    """Called with the id of each task that a request has made: its build."""
    refusal: tuple[int, dict[str, Any]] | None = None
    """Answer of API Gateway itself, before any handler."""
    door: Callable[[Request, bytes], tuple[int, dict[str, Any]] | None] | None = None
    """API Gateway's authorizer: its answer to who may not come in."""
    refused: list[str | None] = field(default_factory=list)
    """Retry-After of each of the next requests, which are one too many; None for one that API Gateway refuses."""
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def app(self) -> Starlette:
        """The ASGI app."""
        return Starlette(
            routes=[
                Route("/s3/{key:path}", self._store, methods=["PUT"]),
                Route("/{path:path}", self._answer, methods=_METHODS),
            ]
        )

    def keys(self, method: str) -> list[str | None]:
        """The Idempotency-Key of each request of a method."""
        return [request.headers.get("idempotency-key") for request in self.requests if request.method == method]

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append(request)
        self.bodies.append(body)
        if self.refusal is not None:
            return JSONResponse(self.refusal[1], self.refusal[0])
        # Functions answer under hosts of their own, and nobody stands before them.
        is_api = request.headers["host"] == urlsplit(self.url).netloc
        refusal = self.door(request, body) if self.door is not None and is_api else None
        if refusal is not None:
            return JSONResponse(refusal[1], refusal[0])
        if self.refused:
            seconds = self.refused.pop(0)
            if seconds is None:
                return JSONResponse({"message": "Too Many Requests"}, 429)
            return JSONResponse({"detail": "As many wait as may"}, 429, {"Retry-After": seconds})
        answers = self.cluster.get((request.method, request.url.path))
        if answers:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, BaseModel):
                return JSONResponse(answer.model_dump(mode="json"))
            return JSONResponse(answer[1], answer[0])
        return await run_in_threadpool(self._handle, request, body)

    def _handle(self, request: Request, body: bytes) -> Response:
        # A Lambda has a request to itself, so there is no waiting inside it for what another one brings.
        query = dict(parse_qsl(request.url.query))
        if query.pop("wait", "0") != "0":
            time.sleep(0.02)
        event = http_event(
            request.method, request.url.path, query=query, headers=dict(request.headers.items()), body=body
        )
        with self._one_at_a_time:
            answer = of_function(event)
        if answer.get("isBase64Encoded"):
            return Response(base64.b64decode(answer["body"]), int(answer["statusCode"]), answer.get("headers"))
        status, content = int(answer["statusCode"]), json.loads(answer["body"])
        if status in (201, 202):
            if content.get("upload"):
                content["upload"]["url"] = f"{self.url}/s3{urlsplit(content['upload']['url']).path}"
            elif self.on_started is not None:
                self.on_started(content["task_id"])
        return JSONResponse(content, status, answer.get("headers"))

    async def _store(self, request: Request) -> Response:
        """S3's part: the length and the checksum that were signed."""
        body = await request.body()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        assert "transfer-encoding" not in request.headers
        if request.headers.get("x-amz-checksum-sha256") != digest or "authorization" in request.headers:
            return Response(status_code=403)
        self.bodies.append(body)
        self.requests.append(request)
        if self.on_started is not None:
            match = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", request.url.path)
            assert match
            await run_in_threadpool(self.on_started, match[0])
        return Response()

    def log(self, task_id: str, *lines: str) -> None:
        """Let the build of a task write to its log."""
        (row,) = [row for row in self.account.rows() if row["task_id"] == task_id]
        stream = task_id.replace("-", "")
        self.account.change(row, build_id=f"project:{stream}", status="building")
        self.account.log(stream, *lines)

    def end(self, workspace_id: str, task_id: str, **outcome: Any) -> None:
        """End a build as the state machine does."""
        key = TaskKey(workspace_id, task_id)
        if "error" in outcome:
            assert outcomes().fail(key, outcome["error"], outcome.get("findings", ()))
        else:
            assert outcomes().done(key, outcome["result"])

    def status(self, task_id: str) -> TaskStatus:
        """Where a task is."""
        (row,) = [row for row in self.account.rows() if row["task_id"] == task_id]
        return TaskStatus(row["status"])
