"""Errors of the build API as HTTP answers, and the description of errors in OpenAPI."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from functions.api.http import ApiError, answer
from functions.api.push_target import RegistryNotAllowedError
from functions.models.builds import Problem
from functions.tasks.credentials import CredentialsTooLongError
from functions.tasks.deployment import NoClusterError
from functions.tasks.idempotency import KeyReusedError
from functions.tasks.paging import UnusableTokenError
from functions.tasks.source import UnusableSourceError
from functions.tasks.submission import StartFailedError
from functions.tasks.usage import LimitReachedError

RETRY_AFTER: Final = "The header Retry-After has the number of seconds to wait."
_DESCRIPTIONS: Final = {
    HTTPStatus.BAD_REQUEST: "The uploaded file cannot be built.",
    HTTPStatus.FORBIDDEN: "The service does not allow builds to push to this registry.",
    HTTPStatus.NOT_FOUND: "The task does not exist, or the caller has no access to the workspace.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request or the announced file is larger than the limit.",
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
        int(success): {"description": "Success", "content": {"application/json": {"model": model}}}
    }
    for status, description in sorted(problems.items()):
        documented[int(status)] = {
            "description": description,
            "content": {"application/json": {"model": Problem}},
        }
    return documented


def task_not_found(workspace_id: str, task_id: str) -> ApiError:
    """The one answer for a task that is not there and for a task of another workspace."""
    return ApiError(HTTPStatus.NOT_FOUND, f"Task '{task_id[:64]}' not found in workspace '{workspace_id}'")


def answer_refusals(app: APIGatewayHttpResolver) -> None:
    """Answer every refusal of the logic behind the routes in the API's form."""
    for kind, answered in _REFUSALS.items():
        app.exception_handler(kind)(answered)


def _as(status: HTTPStatus) -> Callable[[Exception], Response[Any]]:
    return lambda error: answer(status, str(error))


def _credentials_too_long(_: CredentialsTooLongError) -> Response[Any]:
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "username and password together exceed 4,096 bytes")


def _limit_reached(error: LimitReachedError) -> Response[Any]:
    return answer(HTTPStatus.TOO_MANY_REQUESTS, str(error), {"Retry-After": str(error.retry_after)})


def _not_started(error: StartFailedError) -> Response[Any]:
    detail = f"Task {error} could not be started. Upload the file again in a moment."
    return answer(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"})


def _key_reused(_: KeyReusedError) -> Response[Any]:
    detail = "This Idempotency-Key was sent with a different request before. Send a new key with a new request."
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


_REFUSALS: Final[dict[type[Exception], Callable[[Any], Response[Any]]]] = {
    UnusableSourceError: _as(HTTPStatus.BAD_REQUEST),
    UnusableTokenError: _as(HTTPStatus.UNPROCESSABLE_ENTITY),
    RegistryNotAllowedError: _as(HTTPStatus.FORBIDDEN),
    CredentialsTooLongError: _credentials_too_long,
    LimitReachedError: _limit_reached,
    StartFailedError: _not_started,
    KeyReusedError: _key_reused,
    NoClusterError: _as(HTTPStatus.UNPROCESSABLE_ENTITY),
}
