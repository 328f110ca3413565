"""What routes have in common: how refusals of the logic behind them are answered, and how they are documented."""

from collections.abc import Callable
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

_DESCRIPTIONS: Final = {
    HTTPStatus.BAD_REQUEST: "The file cannot be built.",
    HTTPStatus.FORBIDDEN: "Builds may not push to this registry.",
    HTTPStatus.NOT_FOUND: "There is no such task or workspace for this caller.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Larger than the limit.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request has not the documented form.",
    HTTPStatus.TOO_MANY_REQUESTS: "The workspace is at one of its limits; Retry-After says when to try again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "A service behind this one does not answer; Retry-After says when to try again.",
}


def documented(
    model: type[object], *problems: HTTPStatus, success: HTTPStatus = HTTPStatus.OK
) -> dict[int, OpenAPIResponse]:
    """The ``responses`` of a route: ``model`` on success, `Problem` for everything else that it may answer."""
    everywhere = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
    responses: dict[int, OpenAPIResponse] = {
        int(success): {"description": "Success", "content": {"application/json": {"model": model}}}
    }
    for status in sorted({*problems, *everywhere}):
        content = {"application/json": {"model": Problem}}
        responses[int(status)] = {"description": _DESCRIPTIONS[status], "content": content}  # type: ignore[typeddict-item]  # a literal's type is not inferred through a variable
    return responses


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
