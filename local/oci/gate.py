"""The gate in front of the local registry: ministack's ``/v2/`` with ECR's line on who may come in and what it refuses.

An ASGI app that streams both ways to ministack and adds what ministack 1.5.33 leaves out: Basic authentication on every
path with the password of an ECR authorization token, and ECR's own words in its refusals.

Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html (user AWS, password from
GetAuthorizationToken), https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html (texts).
"""

import base64
import hmac
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

_TOKEN_TARGET: Final = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"  # noqa: S105  # an action's name
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_PART_SIZE: Final = 1024 * 1024
_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect")
)
_NOT_FORWARDED: Final = _HOP_BY_HOP | {"host", "authorization"}
_ROOTS: Final = frozenset({"/v2", "/v2/", "/v2/_catalog"})
_REPOSITORY: Final = re.compile(r"/v2/(?P<name>.+?)/(?:blobs|manifests|tags)/(?:.*/)?(?P<last>[^/]*)")


def create_gate(upstream: str, *, account: str = "123456789012", region: str = "ap-northeast-2") -> Starlette:
    """Make the app.

    Args:
        upstream: base URL of ministack, ``http://127.0.0.1:PORT``.
        account: registry id, as refusals name it.
        region: names the registry's realm, and the scope in which ministack is asked for the token.
    """
    gate = _Gate(upstream.rstrip("/"), account, region)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await gate.close()

    routes = [Route("/v2", gate.handle, methods=_METHODS), Route("/v2/{path:path}", gate.handle, methods=_METHODS)]
    return Starlette(routes=routes, lifespan=lifespan)


class _Gate:
    def __init__(self, upstream: str, account: str, region: str) -> None:
        self._upstream = upstream
        self._account = account
        self._region = region
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(60, connect=5))
        self._expected: bytes | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def handle(self, request: Request) -> Response:
        """Let a request through, or refuse it."""
        try:
            if not await self._is_authorized(request):
                return self._challenge()
            path = request.url.path
            if path not in _ROOTS and not _REPOSITORY.fullmatch(path):
                # ministack keeps API Gateway's and SES's own /v2/ APIs on the same port: not behind this door.
                return _error(404, "UNSUPPORTED", f"no registry API at {path}")
            return await self._forward(request)
        except httpx.HTTPError as error:
            return _error(502, "UNAVAILABLE", f"the registry behind the gate does not answer: {type(error).__name__}")

    async def _is_authorized(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        if self._expected is None:
            self._expected = await self._fetch_token()
        try:
            pair = base64.b64decode(given.strip(), validate=True)
        except ValueError:
            return False
        return hmac.compare_digest(pair, self._expected)

    async def _fetch_token(self) -> bytes:
        """``AWS:password`` as ECR's API hands it out. ministack's never changes, so once is enough."""
        scope = f"Credential=test/20260101/{self._region}/ecr/aws4_request"
        response = await self._http.post(
            self._upstream,
            json={},
            headers={
                "X-Amz-Target": _TOKEN_TARGET,
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=unchecked",
            },
        )
        response.raise_for_status()
        return base64.b64decode(response.json()["authorizationData"][0]["authorizationToken"])

    def _challenge(self) -> Response:
        host = f"{self._account}.dkr.ecr.{self._region}.amazonaws.com"
        challenge = f'Basic realm="https://{host}/",service="ecr.amazonaws.com"'
        return _error(401, "UNAUTHORIZED", "Not Authorized", {"WWW-Authenticate": challenge})

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
        """ministack's refusal in ECR's words, where ECR has its own."""
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


async def _coalesced(request: Request) -> AsyncIterator[bytes]:
    """The request's body in larger parts than the 64 KiB it arrives in: fewer, larger writes double the speed."""
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
    """A refusal as the distribution-spec shapes it."""
    body = {"errors": [{"code": code, "message": message}]}
    return JSONResponse(body, status, {"Docker-Distribution-Api-Version": "registry/2.0", **(headers or {})})
