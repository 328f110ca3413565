"""Stands where EKS would stand: takes the deploy function's EKS tokens, speaks to the real cluster with its kubeconfig.

So the product has one way into a cluster, EKS's, and the kubeconfig's credentials stay with this process.
"""

import hmac
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
from kubernetes.client import Configuration
from kubernetes.config import load_kube_config
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.kubernetes.api.authentication import EksTokenAuthenticator, User

_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_NOT_FORWARDED: Final = frozenset(
    ("host", "authorization", "connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length")
)


def create_proxy(kubeconfig: Path, *, cluster_name: str, sts_endpoint: str, admin_token: str) -> Starlette:
    """Make the ASGI app.

    Parameters
    ----------
    kubeconfig
        Its current context is the cluster; certificates, tokens and exec plugins work as in kubectl.
    sts_endpoint
        AWS endpoint that says who signed an EKS token.
    admin_token
        Bearer token of this machine's other processes.
    """
    real = Configuration()
    load_kube_config(config_file=str(kubeconfig), client_configuration=real)  # type: ignore[no-untyped-call]
    eks = EksTokenAuthenticator(cluster_name, sts_endpoint, lambda arn: User(arn, ("blue-faas-deployer",)))
    http = httpx.AsyncClient(
        base_url=real.host, verify=_tls(real), timeout=httpx.Timeout(60, connect=10, read=None), trust_env=False
    )

    async def forward(request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not (hmac.compare_digest(token.encode(), admin_token.encode()) or await eks(token)):
            return JSONResponse(
                {"kind": "Status", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"}, 401
            )
        headers = [(k, v) for k, v in request.headers.raw if k.decode().lower() not in _NOT_FORWARDED]
        # Asked anew for each request: an exec plugin's token expires.
        if bearer := real.get_api_key_with_prefix("BearerToken", alias="authorization"):
            headers.append((b"authorization", bearer.encode()))
        url = httpx.URL(path=request.url.path, query=request.scope["query_string"])
        outgoing = http.build_request(request.method, url, headers=headers, content=await request.body())
        try:
            answer = await http.send(outgoing, stream=True)
        except httpx.TransportError as error:
            message = f"the cluster of the kubeconfig does not answer: {error}"
            return JSONResponse(
                {"kind": "Status", "code": 503, "reason": "ServiceUnavailable", "message": message}, 503
            )
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _NOT_FORWARDED}
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept, background=BackgroundTask(answer.aclose))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await http.aclose()

    return Starlette(routes=[Route("/{path:path}", forward, methods=_METHODS)], lifespan=lifespan)


def _tls(real: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=real.ssl_ca_cert)
    if not real.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if real.cert_file:
        context.load_cert_chain(real.cert_file, real.key_file)
    return context
