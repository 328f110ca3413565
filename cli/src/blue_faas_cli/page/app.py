"""The ASGI app of ``blue ui``: behind the door, the page's files and the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from blue_faas_cli.page.door import Door
from blue_faas_cli.page.forwarding import METHODS, Forwarding
from functions.models.page import PageConfig
from functions.ui.files import INDEX, find
from functions.ui.headers import CONFIG_PATH, headers_of, headers_of_config


def create_app(door: Door, forwarding: Forwarding, told: PageConfig) -> Starlette:
    """Make the app.

    Parameters
    ----------
    told
        What the page is told of the API.
    """

    async def config(request: Request) -> Response:
        refused = _refusal(door.refuses(request.headers))
        return refused or Response(told.model_dump_json(), media_type="application/json", headers=headers_of_config())

    async def file(request: Request) -> Response:
        refused = _refusal(door.refuses(request.headers))
        return refused or _file(request.path_params.get("name", INDEX), request.headers.get("if-none-match"))

    async def api(request: Request) -> Response:
        return _refusal(door.refuses_call(request.headers)) or await forwarding.answer(request)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await forwarding.close()

    return Starlette(
        routes=[
            Route("/", lambda _: RedirectResponse("/ui")),
            Route(CONFIG_PATH, config),
            Route("/ui", file),
            Route("/ui/{name:path}", file),
            Route("/api/{path:path}", api, methods=METHODS),
        ],
        lifespan=lifespan,
    )


def _refusal(reason: str | None) -> Response | None:
    return None if reason is None else JSONResponse({"detail": reason}, 403)


def _file(name: str, if_none_match: str | None) -> Response:
    found = find(name)
    if found is None:
        return JSONResponse({"detail": "Not Found"}, 404)
    headers = {**headers_of(found.etag), "content-type": found.media_type}
    if found.is_known_by(if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(found.text, headers=headers)
