"""Errors of the build API as HTTP answers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from functions.api.deployment_check import DeploymentRefusedError
from functions.api.http import answer
from functions.api.push_target import IncompleteRegistryError, RegistryNotAllowedError
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
