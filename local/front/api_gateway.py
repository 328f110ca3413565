"""Requests of the API go to the emulator's API Gateway, held to the line that the real one draws on size."""

import re
from typing import Final
from urllib.parse import unquote

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.aws.credentials import RunCredentials
from local.aws.gate import FRONT_HEADER, HOST_HEADER
from local.front.config import FrontConfig
from local.http_headers import HOP_BY_HOP, answered, forwarded

MAX_PAYLOAD: Final = 10 * 1024 * 1024
"""Bytes of a request that an HTTP API takes (Amazon API Gateway quotas: payload size 10 MB, cannot be raised)."""

_NOT_FORWARDED: Final = HOP_BY_HOP | {b"host", b"expect"}


class ApiGateway:
    """Forwards to ``/_aws/execute-api/{api}/$default/…`` of the emulator."""

    def __init__(self, config: FrontConfig) -> None:
        self._secret = RunCredentials.at(config.credentials_file).front_secret.encode()
        self._base = f"{config.aws_endpoint}/_aws/execute-api/{config.api_id}/$default"
        # How many requests wait, and how long, is for what is behind to say: an invocation waits for its turn, then
        # runs as long as its function may. A clock here would have to know both, and how busy the machine is.
        unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(None), limits=unlimited)

    async def close(self) -> None:
        """Close the pooled connections."""
        await self._http.aclose()

    async def handle(self, request: Request) -> Response:
        """Answer one API request."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_PAYLOAD:
                return JSONResponse({"message": "Request Entity Too Large"}, 413, headers={"connection": "close"})
        path = request.scope["raw_path"].decode("latin-1")
        if leaves(path):
            return JSONResponse({"message": "Not Found"}, 404)
        url = httpx.URL(self._base + path, query=request.scope["query_string"])
        headers = forwarded(request.headers.raw, _NOT_FORWARDED)
        headers += [(FRONT_HEADER, self._secret), (HOST_HEADER, request.headers.get("host", "").encode("latin-1"))]
        try:
            answer = await self._http.request(request.method, url, headers=headers, content=bytes(body))
        except httpx.TransportError as error:
            return JSONResponse({"message": f"The AWS APIs of this machine do not answer: {error}"}, 502)
        response = Response(answer.content, answer.status_code)
        response.raw_headers += answered(answer.headers.raw)
        return response


def leaves(path: str) -> bool:
    """Whether a path, not decoded, has a segment that the next one to read it could take for "up" or "here".

    >>> leaves("/api/v1/%2e%2E/x"), leaves("/api/v1/..x")
    (True, False)
    """
    segments = re.split(r"[/\\]", unquote(unquote(path)))
    return any(segment in (".", "..") for segment in segments)
