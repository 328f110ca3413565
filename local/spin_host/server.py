"""HTTP in front of an `Application`: an ASGI app that runs each request on a thread."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.cloud.serving import bound_socket
from local.spin_host.application import WELL_KNOWN, Application
from local.spin_host.drain import Drain, DrainingServer
from local.spin_host.host.http_fields import FORBIDDEN
from local.spin_host.http11 import HEAD_BYTES, Http11, hang_up, refusal
from local.spin_host.messages import BODILESS, HttpRequest, HttpResponse, plain

BODY_BYTES: Final = 10 * 1024 * 1024
"""Longest request body; 10 MB is also API Gateway's limit."""

THREADS: Final = 64
"""Requests that run at a time; more wait their turn."""

KEEP_ALIVE_SECONDS: Final = 120
"""Idle connections stay open longer than any caller keeps them, so that it is the caller who closes them."""

CUT_SECONDS: Final = 1
"""After the grace time, what is left of a response may still be written for this long."""

_CLOSING: Final = frozenset({413, 414, 431})


class FunctionServer:
    """The ASGI app."""

    def __init__(self, application: Application, drain: Drain) -> None:
        self._application = application
        self._drain = drain
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        with self._drain.request():
            request = Request(scope, receive)
            try:
                answer = refusal(scope) or await self._answer(request)
            except ClientDisconnect:
                return
            if answer.cut_off:
                await hang_up(scope, receive)
                return
            await _response(answer, request.method, self._drain.draining)(scope, receive, send)

    async def _answer(self, request: Request) -> HttpResponse:
        body = await _read_body(request)
        if body is None:
            return plain(413, f"the request body is longer than {BODY_BYTES} bytes")
        message = _message(request, body)
        client = f"{request.client.host}:{request.client.port}" if request.client else "127.0.0.1:0"
        if message.path.startswith(WELL_KNOWN):
            return self._application.handle(message, client)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._application.handle, message, client)


async def _read_body(request: Request) -> bytes | None:
    """Read the body; None when it is too long. The length is checked as it comes, whatever the caller announced."""
    announced = request.headers.get("content-length", "0")
    if int(announced) > BODY_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            return None
    return bytes(body)


def _message(request: Request, body: bytes) -> HttpRequest:
    raw_path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    target = (raw_path + (b"?" + query if query else b"")).decode("latin-1")
    if not target.startswith("/"):
        # A proxy's request line names the whole URL; what follows the authority is the target.
        target = "/" + target.partition("://")[2].partition("/")[2]
    return HttpRequest(
        method=request.method,
        target=target,
        authority=request.headers.get("host", ""),
        headers=[(name.decode("latin-1"), value) for name, value in request.scope["headers"]],
        body=body,
    )


def _response(answer: HttpResponse, method: str, closing: bool) -> Response:
    bodiless = answer.status in BODILESS or method == "HEAD"
    response = Response(b"" if bodiless else answer.body, status_code=answer.status)
    dropped = FORBIDDEN | {"content-length"}
    # Clients strip a value's outer spaces; h11 would not send them.
    headers = [(name.encode("latin-1"), value.strip(b" \t")) for name, value in answer.headers if name not in dropped]
    length = answer.content_length() if bodiless else len(answer.body)
    if length is None and answer.status not in BODILESS:
        length = len(answer.body)
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    if closing or answer.status in _CLOSING:
        headers.append((b"connection", b"close"))
    response.raw_headers = headers
    return response


def serve(application: Application, port: int, grace: float, listening: Callable[[str], Any]) -> bool:
    """Serve until SIGTERM and drain; tells whether every request was answered.

    ``listening`` is called with the base URL once connections are accepted.

    Raises
    ------
    OSError
        The port cannot be listened on.
    """
    drain = Drain(grace)
    server = _Announcing(_config(FunctionServer(application, drain)), drain)
    with bound_socket("127.0.0.1", port) as listener:
        application.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.announce = lambda: listening(application.base_url)
        server.run(sockets=[listener])
    return not drain.cut_off


def _config(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Http11,
        h11_max_incomplete_event_size=HEAD_BYTES,
        proxy_headers=False,  # a caller's X-Forwarded-For says nothing here
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=CUT_SECONDS,
    )


class _Announcing(DrainingServer):
    announce: Callable[[], Any] = staticmethod(lambda: None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announce()
