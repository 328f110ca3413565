"""GET /openapi.json and GET /docs: the API's description, and a page to read and try it. `/` leads there."""

import hashlib
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.api.description import description, methods_of
from functions.api.docs_page import page
from functions.api.http import answer
from functions.api.settings import BuildApiSettings
from functions.tenancy.workspace import NO_ROUTE

PAGE = "/docs"

router = Router()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


@router.get("/", include_in_schema=False, enable_validation=False)
def root() -> Response[str]:
    """Lead whoever opens the API's address in a browser to its documentation."""
    return Response(HTTPStatus.FOUND, content_types.TEXT_PLAIN, f"See {PAGE}\n", headers={"Location": PAGE})


@router.get("/openapi.json", include_in_schema=False, enable_validation=False, compress=True)
def openapi() -> Response[str]:
    """Serve the OpenAPI document."""
    settings = BuildApiSettings.read()
    text = description(deploys=settings.deploys, authorizer=settings.authorizer)
    return _unless_known(content_types.APPLICATION_JSON, text)


@router.get(PAGE, include_in_schema=False, enable_validation=False, compress=True)
def docs() -> Response[str]:
    """Swagger UI on the document."""
    settings = BuildApiSettings.read()
    return _unless_known(content_types.TEXT_HTML, page(deploys=settings.deploys, authorizer=settings.authorizer))


def answer_unknown_routes(app: APIGatewayHttpResolver) -> None:
    """Answer 405 on a path that has other methods, and 404 on any other."""

    def unknown(_: NotFoundError) -> Response[str]:
        settings = BuildApiSettings.read()
        methods = methods_of(app.current_event.path, deploys=settings.deploys, authorizer=settings.authorizer)
        if not methods or app.current_event.http_method in methods:
            return answer(HTTPStatus.NOT_FOUND, NO_ROUTE)
        allowed = ", ".join(methods)
        return answer(HTTPStatus.METHOD_NOT_ALLOWED, f"The path takes {allowed}. See {PAGE}", {"Allow": allowed})

    app.not_found(unknown)


def _unless_known(content_type: str, text: str) -> Response[str]:
    """Return a text once: 304 to a browser that has it (RFC 9110, "If-None-Match"). The page has 1.8 MB."""
    tag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if router.current_event.headers.get("if-none-match") == tag:
        return Response(HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(HTTPStatus.OK, content_type, text, headers=headers)
