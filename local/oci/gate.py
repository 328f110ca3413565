"""The gate in front of the local registry: the AWS process's ``/v2/`` in ECR's own words.

An ASGI app that streams both ways. Whether a password is good and what its holder may do, the AWS process says
(`local.aws.seams.ecr`).

Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html (user AWS, password from
GetAuthorizationToken), https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html (texts).
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_PART_SIZE: Final = 1024 * 1024
_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect")
)
_NOT_FORWARDED: Final = _HOP_BY_HOP | {"host"}
_ROOTS: Final = frozenset({"/v2", "/v2/", "/v2/_catalog"})
_MANIFEST: Final = re.compile(r"/v2/.+/manifests/[^/]+")
_REPOSITORY: Final = re.compile(r"/v2/(?P<name>.+?)/(?:blobs|manifests|referrers|tags)/(?:.*/)?(?P<last>[^/]*)")


def create_gate(upstream: str, *, account: str = "123456789012") -> Starlette:
    """Make the app.

    Parameters
    ----------
    upstream
        Base URL of the AWS process, ``http://127.0.0.1:PORT``.
    account
        Registry id, as refusals name it.
    """
    gate = _Gate(upstream.rstrip("/"), account)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await gate.close()

    routes = [Route("/v2", gate.handle, methods=_METHODS), Route("/v2/{path:path}", gate.handle, methods=_METHODS)]
    return Starlette(routes=routes, lifespan=lifespan)


class _Gate:
    def __init__(self, upstream: str, account: str) -> None:
        self._upstream = upstream
        self._account = account
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(60, connect=5))

    async def close(self) -> None:
        await self._http.aclose()

    async def handle(self, request: Request) -> Response:
        """Let a request through, or refuse it."""
        try:
            path = request.url.path
            if path not in _ROOTS and not _REPOSITORY.fullmatch(path):
                # ministack keeps API Gateway's and SES's own /v2/ APIs on the same port: not behind this door.
                return _error(404, "UNSUPPORTED", f"no registry API at {path}")
            puts_manifest = request.method == "PUT" and _MANIFEST.fullmatch(path) and "authorization" in request.headers
            if puts_manifest and not await _holds_json(request):
                return _error(400, "MANIFEST_INVALID", "manifest invalid")  # ministack takes anything
            return await self._forward(request)
        except httpx.HTTPError as error:
            return _error(502, "UNAVAILABLE", f"the registry behind the gate does not answer: {type(error).__name__}")

    async def _forward(self, request: Request) -> Response:
        headers = [(k, v) for k, v in request.headers.items() if k not in _NOT_FORWARDED]
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        query = f"?{request.url.query}" if request.url.query else ""
        outgoing = self._http.build_request(
            request.method,
            f"{self._upstream}{quote(request.url.path, safe='/:@+')}{query}",
            headers=headers,
            content=_coalesced(request) if has_body else None,
        )
        answer = await self._http.send(outgoing, stream=True)
        kept = self._answer_headers(answer)
        if answer.is_error and request.method != "HEAD":
            content = await answer.aread()
            await answer.aclose()
            return self._refusal(request, answer.status_code, content, kept)
        return StreamingResponse(_body(answer), answer.status_code, kept)

    def _answer_headers(self, answer: httpx.Response) -> dict[str, str]:
        headers = {k: v for k, v in answer.headers.items() if k not in _HOP_BY_HOP}
        location = headers.get("location", "")
        if location.startswith(self._upstream):  # a client must come back through the gate
            headers["location"] = location.removeprefix(self._upstream)
        return headers

    def _refusal(self, request: Request, status: int, content: bytes, headers: dict[str, str]) -> Response:
        """Put ministack's refusal into ECR's words, where ECR has its own."""
        code, message = _first_error(content)
        match = _REPOSITORY.fullmatch(request.url.path)
        name, last = (match["name"], match["last"]) if match else ("", "")
        if code == "NAME_UNKNOWN":
            message = f"The repository with name '{name}' does not exist in the registry with id '{self._account}'"
        elif code == "TAG_INVALID":
            message = (
                f"The image tag '{last}' already exists in the '{name}' repository and cannot be overwritten "
                "because the repository is immutable."
            )
        elif code == "MANIFEST_UNKNOWN":
            message = "Requested image not found"
        elif not code:
            code, message = "UNKNOWN", content.decode(errors="replace")[:300]
        kept = {k: v for k, v in headers.items() if k not in ("content-length", "content-type")}
        return _error(status, code, message, kept)


async def _holds_json(request: Request) -> bool:
    """Whether a manifest is JSON; Starlette keeps the body for whoever reads it next."""
    try:
        json.loads(await request.body())
    except ValueError:
        return False
    return True


async def _coalesced(request: Request) -> AsyncIterator[bytes]:
    """Join the request's body to parts larger than the 64 KiB it arrives in: fewer writes double the speed."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size >= _PART_SIZE:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def _first_error(content: bytes) -> tuple[str, str]:
    try:
        first: Mapping[str, Any] = json.loads(content)["errors"][0]
        return str(first["code"]), str(first.get("message", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Make a refusal as the distribution-spec shapes it."""
    body = {"errors": [{"code": code, "message": message}]}
    return JSONResponse(body, status, {"Docker-Distribution-Api-Version": "registry/2.0", **(headers or {})})
