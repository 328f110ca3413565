"""The front's routing: by Host to a deployed function, by path to the registry, else to the API.

``GET /_local/ecr-login-password`` stands in for ``aws ecr get-login-password``: with it the documented curl lines work
on a machine that has no AWS CLI.
"""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Host, Route

from local.aws.credentials import RunCredentials
from local.front.api_gateway import ApiGateway
from local.front.config import FrontConfig
from local.front.service_proxy import ServiceProxy
from local.kubernetes.service_router import ServiceRouter
from local.oci.gate import create_gate

_ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(config: FrontConfig) -> Starlette:
    """The ASGI app of port 8000."""
    api = ApiGateway(config)
    functions = _functions(config)
    registry = create_gate(config.aws_endpoint, account=config.account)

    async def ecr_password(_: Request) -> Response:
        return PlainTextResponse(await run_in_threadpool(_ecr_login_password, config))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if functions is not None:
            await functions.start()
        try:
            async with registry.router.lifespan_context(registry):
                yield
        finally:
            if functions is not None:
                await functions.stop()
            await api.close()

    return Starlette(
        routes=[
            *([Host("{service}.{namespace}.svc.cluster.local", app=functions)] if functions is not None else []),
            Route("/_local/ecr-login-password", ecr_password),
            *registry.routes,
            *_issuer(config),
            Route("/{path:path}", api.handle, methods=_ANY),
        ],
        lifespan=lifespan,
    )


def _functions(config: FrontConfig) -> ServiceRouter | ServiceProxy | None:
    """The way to deployed functions; None without a cluster."""
    if config.kubeconfig is None:
        return None
    return ServiceProxy(config.kubeconfig) if config.real_cluster else ServiceRouter.from_kubeconfig(config.kubeconfig)


def _issuer(config: FrontConfig) -> list[Route]:
    """What the issuer of tokens publishes, where there is one."""
    if config.issuer_key is None:
        return []
    from local.cloud import issuer

    def route(path: str, document: Mapping[str, Any]) -> Route:
        return Route(issuer.PATH + path, lambda _: JSONResponse(document))

    return [route(path, document) for path, document in issuer.published(config.issuer_key).items()]


def _ecr_login_password(config: FrontConfig) -> str:
    client = RunCredentials.at(config.credentials_file).client("ecr", config.aws_endpoint, config.region)
    token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]
