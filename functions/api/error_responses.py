"""Errors of the build API as HTTP answers, and the description of errors in OpenAPI."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from functions.api.deployment_check import DeploymentRefusedError
from functions.api.http import answer
from functions.api.push_target import IncompleteRegistryError, RegistryNotAllowedError
from functions.models.builds import Problem
from functions.tasks.credentials import CredentialsTooLongError
from functions.tasks.deployment import NoClusterError
from functions.tasks.idempotency import KeyReusedError
from functions.tasks.paging import UnusableTokenError
from functions.tasks.source import UnusableSourceError, UploadTooLargeError
from functions.tasks.store import TaskNotFoundError
from functions.tasks.submission import StartFailedError
from functions.tasks.usage import LimitReachedError
from functions.tenancy.policies import PolicyChangedError

_RETRY_SECONDS: Final = 5

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


# Each text is for the caller: the exceptions say what happened, where, and what to do.
_STATUSES: Final[Mapping[type[Exception], HTTPStatus]] = {
    UnusableSourceError: HTTPStatus.BAD_REQUEST,
    RegistryNotAllowedError: HTTPStatus.FORBIDDEN,
    TaskNotFoundError: HTTPStatus.NOT_FOUND,
    UploadTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    IncompleteRegistryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CredentialsTooLongError: HTTPStatus.UNPROCESSABLE_ENTITY,
    PolicyChangedError: HTTPStatus.CONFLICT,
    KeyReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoClusterError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnusableTokenError: HTTPStatus.UNPROCESSABLE_ENTITY,
    LimitReachedError: HTTPStatus.TOO_MANY_REQUESTS,
    StartFailedError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def answer_refusals(app: APIGatewayHttpResolver) -> None:
    """Answer every refusal of the logic behind the routes in the API's form."""
    app.exception_handler(list(_STATUSES))(_refusal)
    app.exception_handler([DeploymentRefusedError])(lambda error: answer(error.status, str(error)))


def _refusal(error: Exception) -> Response[Any]:
    status = next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
    if isinstance(error, LimitReachedError):
        return answer(status, str(error), {"Retry-After": str(error.retry_after)})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return answer(status, str(error), {"Retry-After": str(_RETRY_SECONDS)})
    return answer(status, str(error))


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
