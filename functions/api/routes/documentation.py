"""GET /openapi.json and GET /docs: the API's description as it is checked in, and as a page to read and try.

The description covers functions of other bundles too, so it is generated beforehand (`python -m infra.tools.openapi`)
and shipped as a file. The page brings everything with it: Powertools carries Swagger UI, no other host is asked.
"""

import functools
import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi import swagger_ui

from functions.api.http import answer
from functions.api.settings import BuildApiSettings

DESCRIPTION = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"

_APPS: Final = "Apps"
"""Tag of the deploy function's operations."""
_BLOCK: Final = "deploy"
"""Property of the requests that may ask for a deployment."""

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


@router.get("/openapi.json", include_in_schema=False, enable_validation=False, compress=True)
def openapi() -> Response[str]:
    """Serve the OpenAPI document."""
    return Response(
        HTTPStatus.OK, content_types.APPLICATION_JSON, _description(deploys=BuildApiSettings.read().deploys)
    )


@router.get("/docs", include_in_schema=False, enable_validation=False, compress=True)
def docs() -> Response[str]:
    """Swagger UI on the document."""
    return Response(HTTPStatus.OK, content_types.TEXT_HTML, _page(deploys=BuildApiSettings.read().deploys))


def answer_unknown_routes(app: APIGatewayHttpResolver) -> None:
    """Answer 405 on a path that has other methods, and 404 on any other."""

    def unknown(_: NotFoundError) -> Response[Any]:
        methods = _methods_of(app.current_event.path, deploys=BuildApiSettings.read().deploys)
        if not methods:
            return answer(HTTPStatus.NOT_FOUND, "Not Found")
        allowed = ", ".join(methods)
        return answer(HTTPStatus.METHOD_NOT_ALLOWED, f"The path takes {allowed}. See /docs.", {"Allow": allowed})

    app.not_found(unknown)


def _methods_of(path: str, *, deploys: bool) -> list[str]:
    """Return the methods of every operation at a path, of whichever function."""
    return sorted(
        method.upper()
        for template, operations in _paths(deploys=deploys).items()
        if template.fullmatch(path)
        for method in operations
    )


@functools.cache
def _paths(*, deploys: bool) -> dict[re.Pattern[str], list[str]]:
    paths = json.loads(_description(deploys=deploys))["paths"]
    return {re.compile(re.sub(r"{\w+}", "[^/]+", path)): list(operations) for path, operations in paths.items()}


@functools.cache
def _description(*, deploys: bool) -> str:
    text = DESCRIPTION.read_text(encoding="utf-8")
    return text if deploys else json.dumps(_without_deployments(json.loads(text)))


def _without_deployments(description: dict[str, Any]) -> dict[str, Any]:
    """Remove what needs a cluster: the routes about apps, and ``deploy`` in builds."""
    paths = {
        path: operations
        for path, operations in description["paths"].items()
        if not any(_APPS in operation["tags"] for operation in operations.values())
    }
    schemas = description["components"]["schemas"]
    for schema in schemas.values():
        schema.get("properties", {}).pop(_BLOCK, None)
    return description | {"paths": paths}


@functools.cache
def _page(*, deploys: bool) -> str:
    assets = Path(swagger_ui.__file__).parent
    return swagger_ui.generate_swagger_html(
        _description(deploys=deploys).replace("</", "<\\/"),
        (assets / "swagger-ui-bundle.min.js").read_text(encoding="utf-8"),
        (assets / "swagger-ui.min.css").read_text(encoding="utf-8"),
        "",
        None,
    )
