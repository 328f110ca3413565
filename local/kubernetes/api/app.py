"""The API server as an ASGI application: authentication, authorization, then discovery or a handler."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.kubernetes.api import discovery
from local.kubernetes.api.authentication import Authenticator, User, authenticate
from local.kubernetes.api.authorization import Attributes, Authorizer, RbacAuthorizer, denial, ensure_default_roles
from local.kubernetes.api.bodies import JsonResponse
from local.kubernetes.api.errors import (
    ApiError,
    PathNotFound,
    forbidden,
    path_not_found,
    unauthorized,
)
from local.kubernetes.api.handlers import Handlers, LogSource
from local.kubernetes.api.objects import Objects
from local.kubernetes.api.requests import Target, parse_target
from local.kubernetes.api.resources import CRD_KEY, NAMESPACE_KEY
from local.kubernetes.api.store import Key, Store
from local.kubernetes.api.watch import Watches

logger = logging.getLogger(__name__)

CRD_FOLDER = Path(__file__).with_name("crds")
ANONYMOUS = User("system:anonymous", ("system:masters",))
"""Who everybody is on a server that was given no authenticator."""

_HEALTH = ("healthz", "livez", "readyz")
_NAMESPACES = ("default", "kube-system", "kube-public")


def create_app(
    store: Store | None = None,
    *,
    authenticators: Sequence[Authenticator] | None = None,
    rbac: bool = False,
    logs: LogSource | None = None,
    crd_folder: Path = CRD_FOLDER,
    before_answer: Callable[[], Awaitable[None]] | None = None,
) -> Starlette:
    """Make the server.

    `store`: state to serve (`Store.restore` it before or after); a new one by default. `authenticators`: tried in
    order, 401 when none accepts the token; `None` lets everybody in. `rbac`: check every request against the RBAC
    objects in the store. `logs`: the kubelet's part of ``kubectl logs``. `crd_folder`: YAML files of
    CustomResourceDefinitions to serve from the start. `before_answer`: awaited before who changed something is told so.

    `app.state` has `store`, `objects` (the same operations in-process) and `watches` (`ServerThread` closes them).
    """
    store = store or Store()
    objects = Objects(store)
    _bootstrap(objects, crd_folder)
    authorizer = RbacAuthorizer(store) if rbac else None
    if rbac:
        ensure_default_roles(objects)
    server = _Server(objects, authenticators, authorizer, logs, before_answer)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app = Starlette(routes=[Route("/{path:path}", server.answer, methods=methods)])
    app.state.store = store
    app.state.objects = objects
    app.state.watches = server.watches
    return app


def _bootstrap(objects: Objects, crd_folder: Path) -> None:
    """Store what every cluster has: its namespaces, and the custom resource definitions of the folder."""
    namespaces = objects.registry.by_key(NAMESPACE_KEY)
    definitions = objects.registry.by_key(CRD_KEY)
    if namespaces is None or definitions is None:
        raise LookupError("the registry lacks namespaces or definitions")
    for name in _NAMESPACES:
        if objects.store.get(Key(*NAMESPACE_KEY, "", name)) is None:
            objects.create(namespaces, "", {"metadata": {"name": name}})
    for path in sorted(crd_folder.glob("*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=_LOADER):
            if document:
                objects.ensure(definitions, "", document)


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster where libyaml is there


class _Server:
    """The way of every request."""

    def __init__(
        self,
        objects: Objects,
        authenticators: Sequence[Authenticator] | None,
        authorizer: Authorizer | None,
        logs: LogSource | None,
        before_answer: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._objects = objects
        self._before_answer = before_answer
        self._authenticators = authenticators
        self._authorizer = authorizer
        self.watches = Watches()
        self._handlers = Handlers(objects, self.watches, logs)

    async def answer(self, request: Request) -> Response:
        """Answer a request, whatever goes wrong on the way."""
        try:
            answer = await self._answer(request)
            if self._before_answer is not None and request.method not in ("GET", "HEAD"):
                await self._before_answer()
            return answer
        except PathNotFound as error:
            return PlainTextResponse(error.message, error.code)
        except ApiError as error:
            return JsonResponse(error.status(), error.code)
        except Exception:
            logger.exception("%s %s failed", request.method, request.url.path)
            internal = ApiError(500, "InternalError", "Internal error occurred: see the log of the API server")
            return JsonResponse(internal.status(), 500)

    async def _answer(self, request: Request) -> Response:
        parts = [part for part in request.url.path.split("/") if part]
        if len(parts) == 1 and parts[0] in _HEALTH:
            if _shows_token(request):  # who shows none may ask for this, but a wrong one is refused everywhere
                await self._user(request)
            return PlainTextResponse("ok")
        user = await self._user(request)
        if request.method in ("GET", "HEAD"):
            found = discovery.answer(self._objects.registry, parts)
            if found is not None:
                self._authorize(user, Attributes(request.method.lower(), path=request.url.path))
                return JsonResponse(found)
        if not parts or parts[0] not in ("api", "apis"):
            self._authorize(user, Attributes(request.method.lower(), path=request.url.path))
            raise path_not_found()
        target = parse_target(self._objects.registry, request.method, parts, dict(request.query_params))
        self._authorize(user, _attributes(target), target)
        return await self._handlers.handle(request, target)

    async def _user(self, request: Request) -> User:
        if self._authenticators is None:
            return ANONYMOUS
        user = await authenticate(request.headers.get("authorization", ""), self._authenticators)
        if user is None:
            raise unauthorized()
        return user

    def _authorize(self, user: User, asked: Attributes, target: Target | None = None) -> None:
        if self._authorizer and not self._authorizer(user, asked):
            raise forbidden(denial(user, asked), target.resource if target else None, asked.name)


def _shows_token(request: Request) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


def _attributes(target: Target) -> Attributes:
    return Attributes(
        verb=target.verb,
        group=target.resource.group,
        resource=target.resource.plural,
        subresource=target.subresource,
        namespace=target.namespace,
        name=target.name,
    )
