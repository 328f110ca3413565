"""The front's routing: by Host to a deployed function; behind the door, by path to the registry, else to the API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Host, Mount, Route, Router

from local.aws.credentials import RunCredentials
from local.front.api_gateway import ApiGateway
from local.front.config import EXPOSED_DOMAIN, FrontConfig
from local.front.function_metrics import FunctionMetrics
from local.front.origin import Door
from local.front.service_proxy import ServiceProxy
from local.kubernetes.service_router import ServiceRouter
from local.oci.gate import create_gate

_ANY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(config: FrontConfig) -> Starlette:
    """Make the ASGI app of port 8000."""
    api = ApiGateway(config)
    metrics = _function_metrics(config)
    functions = _functions(config, metrics)
    registry = create_gate(config.aws_endpoint, account=config.account)

    behind_the_door = [
        *registry.routes,
        *_issuer(config),
        Route("/{path:path}", api.handle, methods=_ANY),
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if functions is not None:
            await functions.start()
        metrics.start()
        try:
            async with registry.router.lifespan_context(registry):
                yield
        finally:
            if functions is not None:
                await functions.stop()
            await metrics.stop()
            await api.close()

    return Starlette(
        routes=[
            *_hosts(config, functions),
            Mount("", app=Door(Router(behind_the_door))),
        ],
        lifespan=lifespan,
    )


def _hosts(config: FrontConfig, functions: ServiceRouter | ServiceProxy | None) -> list[Host]:
    """Make the routes to functions by the Host header.

    A Service has two names: the cluster's, and one below ``localhost``, which browsers find. Elsewhere below
    ``localhost`` are the hosts of apps that are exposed (`local.cloud.assembly`); a real cluster has a way of its own
    for them.
    """
    if functions is None:
        return []
    exposed = [] if config.real_cluster else [Host(f"{{host}}.{EXPOSED_DOMAIN}", app=functions)]
    services = [Host(f"{{service}}.{{namespace}}.svc.{zone}", app=functions) for zone in ("cluster.local", "localhost")]
    return [*services, *exposed]


def _functions(config: FrontConfig, metrics: FunctionMetrics) -> ServiceRouter | ServiceProxy | None:
    """Make the way to deployed functions; None without a cluster. A real cluster has a collector of its own."""
    if config.kubeconfig is None:
        return None
    if config.real_cluster:
        return ServiceProxy(config.kubeconfig)
    return ServiceRouter.from_kubeconfig(config.kubeconfig, metrics.count)


def _function_metrics(config: FrontConfig) -> FunctionMetrics:
    credentials = RunCredentials.at(config.credentials_file)
    client = credentials.client("cloudwatch", config.aws_endpoint, config.region)
    return FunctionMetrics(config.cluster_name, client.put_metric_data)


def _issuer(config: FrontConfig) -> list[Route]:
    """Make the routes of the issuer of tokens, where there is one: what it publishes, and where users sign in."""
    if config.issuer_key is None:
        return []
    from local.cloud import issuer
    from local.front.device import DeviceSignIn
    from local.front.sign_in import SignIn

    def route(path: str, document: Mapping[str, Any]) -> Route:
        return Route(issuer.PATH + path, lambda _: JSONResponse(document))

    published = [route(path, document) for path, document in issuer.published(config.issuer_key).items()]
    return [*published, *SignIn(config.issuer_key).routes(), *DeviceSignIn(config.issuer_key).routes()]
