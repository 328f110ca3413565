"""Functions on a real cluster: reached through the API server's own service proxy, since pod addresses are not ours.

``/api/v1/namespaces/{namespace}/services/{name}:80/proxy/…`` (Kubernetes, "Access Services Running on Clusters").
"""

import ssl
from pathlib import Path
from typing import Final

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from local.http_headers import HOP_BY_HOP, answered, forwarded
from local.kubernetes.kubeconfig import access_from_kubeconfig

_NOT_FORWARDED: Final = HOP_BY_HOP | {b"host", b"authorization"}


class ServiceProxy:
    """An ASGI app for requests to ``{service}.{namespace}.svc.cluster.local``."""

    def __init__(self, kubeconfig: Path) -> None:
        access = access_from_kubeconfig(kubeconfig)
        self._http = httpx.AsyncClient(
            base_url=access.url,
            headers={"authorization": f"Bearer {access.token}"},
            verify=ssl.create_default_context(cadata=str(access.ca)),
            timeout=60,
        )

    async def start(self) -> None:
        """Nothing to wait for."""

    async def stop(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        service, namespace = request.path_params["service"], request.path_params["namespace"]
        path = f"/api/v1/namespaces/{namespace}/services/{service}:80/proxy{request.url.path}"
        headers = forwarded(request.headers.raw, _NOT_FORWARDED)
        try:
            answer = await self._http.request(
                request.method,
                httpx.URL(path=path, query=request.scope["query_string"]),
                headers=headers,
                content=await request.body(),
            )
        except httpx.TransportError as error:
            return PlainTextResponse(f"The cluster does not answer: {error}\n", 502)
        response = Response(answer.content, answer.status_code)
        response.raw_headers += answered(answer.headers.raw)
        return response
