"""Errors of a deploy as HTTP answers. The one table that maps an error to a status and to advice for the caller."""

from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.metrics import MetricUnit

from functions.api.http import ErrorAnswer, answer
from functions.cluster import errors
from functions.telemetry import logger, metrics

DeployError = errors.RefusedError | errors.ClusterError

_OPERATOR: Final = (
    "The service lacks access to the cluster; your request is not the cause. Tell the service's operator."
)
_LATER: Final = "Try again in a moment."
_NOTHING_TO_ADD: Final = ""

# First match wins. 502: the cluster refused this service or gave an invalid answer. 503: not now. 504: too slow.
_ANSWERS: Final[tuple[tuple[type[Exception], HTTPStatus, str], ...]] = (
    (errors.ImageNotAllowedError, HTTPStatus.FORBIDDEN, _NOTHING_TO_ADD),
    (errors.ImageNotSignedError, HTTPStatus.FORBIDDEN, _NOTHING_TO_ADD),
    (errors.MissingError, HTTPStatus.NOT_FOUND, _NOTHING_TO_ADD),
    (errors.AppStateError, HTTPStatus.CONFLICT, _NOTHING_TO_ADD),
    (errors.UnfitRequestError, HTTPStatus.UNPROCESSABLE_ENTITY, _NOTHING_TO_ADD),
    (errors.ImageNotProvenError, HTTPStatus.SERVICE_UNAVAILABLE, _NOTHING_TO_ADD),
    (errors.ImageNotKeptError, HTTPStatus.SERVICE_UNAVAILABLE, _NOTHING_TO_ADD),
    (errors.UnauthorizedError, HTTPStatus.BAD_GATEWAY, _OPERATOR),
    (errors.NamespaceClosedError, HTTPStatus.FORBIDDEN, "Its operator can open it, or name another one."),
    (errors.ForbiddenError, HTTPStatus.BAD_GATEWAY, _OPERATOR),
    (errors.AccessError, HTTPStatus.BAD_GATEWAY, _OPERATOR),
    (errors.MetricsAccessError, HTTPStatus.BAD_GATEWAY, "Your request is not the cause. Tell the service's operator."),
    (
        errors.PolicyError,
        HTTPStatus.CONFLICT,
        "Free or raise the quota of the namespace, or use another namespace.",
    ),
    (
        errors.NamespaceEndingError,
        HTTPStatus.CONFLICT,
        "The namespace is being deleted: use another one, or create it again once it is gone.",
    ),
    (
        errors.AdmissionDownError,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Nothing was changed: the operator in the cluster does not respond. Try again in a moment.",
    ),
    (errors.NamespaceNotFoundError, HTTPStatus.NOT_FOUND, _NOTHING_TO_ADD),
    (
        errors.NotFoundError,
        HTTPStatus.BAD_GATEWAY,
        "Is SpinKube installed in the cluster? Tell the service's operator.",
    ),
    (errors.AlreadyExistsError, HTTPStatus.CONFLICT, _LATER),
    (errors.ConflictError, HTTPStatus.CONFLICT, "Other requests keep changing the app. Send the request again."),
    (
        errors.InvalidError,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Correct the field that the message names and send the request again.",
    ),
    (errors.TooManyRequestsError, HTTPStatus.SERVICE_UNAVAILABLE, _LATER),
    (errors.UnreachableError, HTTPStatus.SERVICE_UNAVAILABLE, _LATER),
    (errors.TooSlowError, HTTPStatus.GATEWAY_TIMEOUT, _LATER),
    (errors.ClusterError, HTTPStatus.BAD_GATEWAY, _LATER),
)
_MAYBE_MADE: Final = "The change may have been made: check the app before you repeat the request."
_RETRY_SECONDS: Final = 5


def answer_cluster_errors(app: APIGatewayHttpResolver) -> None:
    """Register the answers to all errors of a deploy."""

    def answered(error: DeployError) -> Response[Any]:
        given = reported(error, changes=app.current_event.http_method != "GET")
        return answer(given.status, given.detail, given.headers)

    app.exception_handler([errors.RefusedError, errors.ClusterError])(answered)


def reported(error: DeployError, *, changes: bool) -> ErrorAnswer:
    """Count and log an error, and return its answer; ``changes``: the request is not a read."""
    given = answer_to(error, changes=changes)
    if changes:
        metrics.add_metric("DeployFailed" if given.status >= 500 else "DeployRefused", MetricUnit.Count, 1)
    # The API server's message about an invalid object may quote a variable's value: for the caller, not for the log.
    reason = type(error).__name__ if isinstance(error, errors.InvalidError) else str(error)
    logger.warning("deploy failed" if changes else "apps not read", status=int(given.status), reason=reason)
    return given


def answer_to(error: DeployError, *, changes: bool) -> ErrorAnswer:
    """Return the answer to a request that ended with ``error``; ``changes``: the request is not a read."""
    if isinstance(error, errors.IncompleteError):
        reason = answer_to(error.reason, changes=changes)
        return ErrorAnswer(reason.status, f"{_sentence(str(error))} {reason.detail}", reason.headers)
    status, advice = next((status, advice) for kind, status, advice in _ANSWERS if isinstance(error, kind))
    if changes and isinstance(error, errors.TooSlowError):
        advice = _MAYBE_MADE
    detail = f"{_sentence(_words(error))} {advice}" if advice else str(error)
    headers: dict[str, str] = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        seconds = error.retry_after if isinstance(error, errors.TooManyRequestsError) else _RETRY_SECONDS
        headers["Retry-After"] = str(seconds)
    return ErrorAnswer(status, detail, headers)


def _words(error: DeployError) -> str:
    if isinstance(error, errors.NamespaceClosedError):
        # The API server's own words name the function's role.
        return f"Namespace '{error.namespace}' is not open to this service"
    return str(error)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
