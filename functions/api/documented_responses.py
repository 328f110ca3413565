"""What the routes answer, as the OpenAPI description says it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from functions.models.service import Problem

RETRY_AFTER: Final = "The header Retry-After has the number of seconds to wait."
_DESCRIPTIONS: Final = {
    HTTPStatus.BAD_REQUEST: "The uploaded file cannot be built.",
    HTTPStatus.FORBIDDEN: "The service does not allow builds to push to this registry.",
    HTTPStatus.NOT_FOUND: "The task does not exist, or the caller has no access to the workspace.",
    HTTPStatus.CONFLICT: "The state of the app or of its namespace does not allow the deployment.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request, or the file of the presigned upload, is larger than the limit.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request does not match the schema.",
    HTTPStatus.TOO_MANY_REQUESTS: f"The workspace has reached one of its limits. {RETRY_AFTER}",
    HTTPStatus.SERVICE_UNAVAILABLE: f"A service that this one depends on does not respond. {RETRY_AFTER}",
}
_EVERYWHERE: Final = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)


def documented(
    model: type[object], *problems: HTTPStatus, success: HTTPStatus = HTTPStatus.OK
) -> dict[int, OpenAPIResponse]:
    """Return the ``responses`` of a route of the build API."""
    return responses(model, {status: _DESCRIPTIONS[status] for status in (*problems, *_EVERYWHERE)}, success)


def responses(
    model: type[object], problems: Mapping[HTTPStatus, str], success: HTTPStatus = HTTPStatus.OK
) -> dict[int, OpenAPIResponse]:
    """Return the ``responses`` of a route: ``model`` on success, `Problem` for each status with a description."""
    documented: dict[int, OpenAPIResponse] = {
        int(success): {"description": "The request succeeded.", "content": {"application/json": {"model": model}}}
    }
    for status, description in sorted(problems.items()):
        documented[int(status)] = {
            "description": description,
            "content": {"application/json": {"model": Problem}},
        }
    return documented
