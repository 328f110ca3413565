"""Requests to ``{service}.{namespace}.svc.cluster.local``, or to an app's host from outside, to a ready pod.

An ASGI app for the front process. Where a cluster has DNS and kube-proxy, one machine has the Host header and this. A
request is sent a second time only when it cannot have had an effect: the connection could not be made, or (for methods
that may be repeated) a kept connection turned out closed before a byte of the response.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import httpcore
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from local.http_headers import DATE, HOP_BY_HOP, forwarded
from local.kubernetes.kubeconfig import access_from_kubeconfig
from local.kubernetes.machinery.api import Key
from local.kubernetes.machinery.http_api import ApiAccess
from local.kubernetes.service_endpoints import Address, ServiceTable, parse_service_host

__all__ = ["ServiceRouter", "parse_service_host"]

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 75.0
"""Without a byte from the function for so long, the request ends in 504. The runtime's own limit is shorter."""
KEPT_SECONDS: Final = 60.0
"""Idle connections are closed after this, well before the function runtime (120 s) would close them."""
REPLAYED_BYTES: Final = 1 << 20
"""A body up to this size is kept until the response begins, so that the request can be sent again."""

Count = Callable[[Key, int, float], None]
"""Is told of a request: (namespace, Service), status, seconds."""
_RUNTIME_PATHS: Final = "/.well-known/spin/"
"""Below it Spin answers by itself."""

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_NOT_SENT_BACK: Final = HOP_BY_HOP | {DATE}
_COULD_NOT_CONNECT: Final = (httpcore.ConnectError, httpcore.ConnectTimeout)
_BROKE_OFF: Final = (httpcore.ReadError, httpcore.WriteError, httpcore.RemoteProtocolError)


class ServiceRouter:
    """The ASGI app. Call `start` before the first request and `stop` at the end."""

    def __init__(self, api_url: str, token: str | None, ca: Path | str | None, count: Count | None = None) -> None:
        """Make a router for the cluster whose API server is at ``api_url``.

        Parameters
        ----------
        api_url
            Base URL of the Kubernetes API.
        token
            Bearer token that may get, list and watch Services and Pods.
        ca
            The API server's CA, as the path of a PEM file or as PEM text; None for plain http.
        count
            Is told of each request that a function has answered, of those that say where to send what they measure.
        """
        self._count = count
        self._table = ServiceTable(ApiAccess(api_url, token, ca))
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # pods speak plain http: spare loading the CAs
            max_connections=None,
            max_keepalive_connections=256,
            keepalive_expiry=KEPT_SECONDS,
        )

    @classmethod
    def from_kubeconfig(cls, path: Path, count: Count | None = None) -> "ServiceRouter":
        """Make a router for the current context of a kubeconfig with a token (as `local.kubernetes` writes it)."""
        access = access_from_kubeconfig(path)
        return cls(access.url, access.token, access.ca, count)

    async def start(self, timeout: float = 10.0) -> None:
        """Follow the cluster; returns once its Services are known. Raises TimeoutError."""
        await asyncio.to_thread(self._table.start, timeout)

    async def stop(self) -> None:
        """Let go of all connections."""
        await asyncio.to_thread(self._table.stop)
        await self._pool.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1003})
            return
        request = Request(scope, receive)
        service = self._table.service_of(request.headers.get("host", ""))
        problem = await self._problem(service, request)
        try:
            answer = problem if service is None or problem else await self._forward(service, request, send)
        except ClientDisconnect:
            return
        if answer is not None:
            await answer(scope, receive, send)

    async def _problem(self, service: Key | None, request: Request) -> PlainTextResponse | None:
        if service is None:
            host = request.headers.get("host", "")
            text = (
                f'no Service is called "{host}", and no route leads there; use SERVICE.NAMESPACE.svc.cluster.local as '
                "the host name, or the host that the app was exposed with\n"
            )
            return PlainTextResponse(text, 404)
        if not await asyncio.to_thread(self._table.exists, service):
            namespace, name = service
            return PlainTextResponse(f'there is no Service "{name}" in namespace "{namespace}"\n', 404)
        return None

    async def _forward(self, service: Key, request: Request, send: Send) -> PlainTextResponse | None:
        """Send the request to an endpoint and the response back; returns an answer of our own if that fails."""
        body, complete = await _begin_body(request)
        tried: set[Address] = set()
        repeatable = complete and request.method in IDEMPOTENT
        sent_again = 0
        began = time.perf_counter()
        while True:
            untried = [address for address in self._table.lookup(service) if address not in tried]
            if not untried:
                return _no_endpoint(service, tried)
            answer = await self._ask(_outgoing(request, untried[0], body, complete))
            if isinstance(answer, httpcore.Response):
                try:
                    # An error from here on cuts our half-sent response off, which tells the client.
                    await _send_back(answer, send)
                finally:
                    self._tell(service, request, answer.status, time.perf_counter() - began)
                return None
            if isinstance(answer, _COULD_NOT_CONNECT):
                # Nothing of the request is out, nor of a streamed body read: the next endpoint takes it.
                tried.add(untried[0])
            elif isinstance(answer, httpcore.ReadTimeout):
                return _late(service)
            elif not repeatable or sent_again == 2:
                return _broke_off(service, answer)
            else:
                # Not added to `tried`: a new connection to the same pod is as good as any.
                sent_again += 1

    def _tell(self, service: Key, request: Request, status: int, seconds: float) -> None:
        if self._count is None or request.url.path.startswith(_RUNTIME_PATHS):
            return
        if self._table.is_measured(service):
            self._count(service, status, seconds)

    async def _ask(self, outgoing: httpcore.Request) -> httpcore.Response | Exception:
        """Ask one address: its response, or why there is none."""
        try:
            return await self._pool.handle_async_request(outgoing)
        except (*_COULD_NOT_CONNECT, *_BROKE_OFF, httpcore.ReadTimeout) as error:
            return error


def _outgoing(request: Request, address: Address, body: bytes, complete: bool) -> httpcore.Request:
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=b"http", host=address[0].encode(), port=address[1], target=_target(request)),
        headers=_request_headers(request),
        content=body if complete else _rest_of_body(body, request),
        extensions={"timeout": {"connect": CONNECT_SECONDS, "read": ANSWER_SECONDS, "write": 60.0}},
    )


def _no_endpoint(service: Key, tried: set[Address]) -> PlainTextResponse:
    namespace, name = service
    if tried:
        text = f'no pod of Service "{name}" in namespace "{namespace}" takes connections now\n'
    else:
        text = f'Service "{name}" in namespace "{namespace}" has no pod that is ready\n'
    return PlainTextResponse(text, 503, headers={"Retry-After": "1"})


def _broke_off(service: Key, error: Exception) -> PlainTextResponse:
    text = f"the function {'.'.join(reversed(service))} broke the connection off before it answered"
    return PlainTextResponse(f"{text} ({type(error).__name__})\n", 502)


def _late(service: Key) -> PlainTextResponse:
    return PlainTextResponse(f"{'.'.join(reversed(service))} did not answer within {ANSWER_SECONDS:.0f} s\n", 504)


async def _begin_body(request: Request) -> tuple[bytes, bool]:
    """Read a body that is announced as short; (bytes, whether that is all of it)."""
    length = request.headers.get("content-length")
    if length is None and "transfer-encoding" not in request.headers:
        return b"", True
    if length is not None and length.isdigit() and int(length) <= REPLAYED_BYTES:
        return await request.body(), True
    return b"", False


async def _rest_of_body(begun: bytes, request: Request) -> AsyncIterator[bytes]:
    if begun:
        yield begun
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _target(request: Request) -> bytes:
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope.get("query_string", b"")
    return raw_path + b"?" + query if query else raw_path


def _request_headers(request: Request) -> list[tuple[bytes, bytes]]:
    """Pass on the client's headers; framing is between neighbours and made anew."""
    headers = forwarded(request.headers.raw, HOP_BY_HOP)
    names = {name for name, _ in headers}
    if b"content-length" not in names and "transfer-encoding" in request.headers:
        headers.append((b"transfer-encoding", b"chunked"))
    return headers


async def _send_back(response: httpcore.Response, send: Send) -> None:
    try:
        headers = [(name.lower(), value) for name, value in response.headers if name.lower() not in _NOT_SENT_BACK]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        stream: Any = response.aiter_stream()
        async for chunk in stream:
            if chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        await response.aclose()
