"""Failures of a deploy as HTTP answers: whose matter it is, what happened, what to do. The one place that decides."""

from http import HTTPStatus
from typing import Final

from functions.api.http import ApiError
from functions.cluster import errors
from functions.cluster.preconditions import namespace_not_found

_OPERATOR: Final = "This is a matter of the service's own access, not of your request: tell its operator."
_LATER: Final = "Try again in a moment."

# First match wins. 502: what stands behind us refused us or makes no sense. 503: not now. 504: too slow.
_ANSWERS: Final[tuple[tuple[type[errors.ClusterError], HTTPStatus, str], ...]] = (
    (errors.UnauthorizedError, HTTPStatus.BAD_GATEWAY, _OPERATOR),
    (errors.ForbiddenError, HTTPStatus.BAD_GATEWAY, _OPERATOR),
    (errors.AccessError, HTTPStatus.BAD_GATEWAY, _OPERATOR),
    (
        errors.PolicyError,
        HTTPStatus.CONFLICT,
        "The namespace does not take it: free or raise its quota, or use another.",
    ),
    (
        errors.NamespaceEndingError,
        HTTPStatus.CONFLICT,
        "The namespace is being deleted: deploy to another one, or wait until it is gone and has been made anew.",
    ),
    (
        errors.AdmissionDownError,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Nothing was changed: the operator in the cluster does not answer. Try again in a moment.",
    ),
    (errors.NotFoundError, HTTPStatus.BAD_GATEWAY, "Is SpinKube installed in the cluster? Tell its operator."),
    (errors.AlreadyExistsError, HTTPStatus.CONFLICT, _LATER),
    (errors.ConflictError, HTTPStatus.CONFLICT, "Others keep changing the app. Send the request again."),
    (errors.InvalidError, HTTPStatus.UNPROCESSABLE_ENTITY, "Change what it names and send the request again."),
    (errors.TooManyRequestsError, HTTPStatus.SERVICE_UNAVAILABLE, _LATER),
    (errors.UnreachableError, HTTPStatus.SERVICE_UNAVAILABLE, _LATER),
    (errors.TooSlowError, HTTPStatus.GATEWAY_TIMEOUT, _LATER),
    (errors.ClusterError, HTTPStatus.BAD_GATEWAY, _LATER),
)
_MAYBE_MADE: Final = "The change may have been made all the same: look before you repeat it."
_RETRY_SECONDS: Final = 5


def answer_to(error: errors.RefusedError | errors.ClusterError, namespace: str, *, changes: bool) -> ApiError:
    """The answer for a call about ``namespace`` that ended with ``error``; ``changes``: it was to change something."""
    if isinstance(error, errors.NotFoundError) and error.resource == "namespaces":
        error = namespace_not_found(namespace)
    if isinstance(error, errors.NamespaceClosedError):
        # The API server's own words name the function's role.
        detail = f"Namespace '{namespace}' is not open to this service. Its operator can open it, or name another one."
        return ApiError(HTTPStatus.FORBIDDEN, detail)
    if isinstance(error, errors.RefusedError):
        return ApiError(error.status, error.detail)
    if isinstance(error, errors.IncompleteError):
        reason = answer_to(error.reason, namespace, changes=changes)
        return ApiError(reason.status, f"{_sentence(error)} {reason.detail}", reason.headers)
    status, advice = next((status, advice) for kind, status, advice in _ANSWERS if isinstance(error, kind))
    if changes and isinstance(error, errors.TooSlowError):
        advice = _MAYBE_MADE
    detail = f"{_sentence(error)} {advice}"
    headers = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        seconds = error.retry_after if isinstance(error, errors.TooManyRequestsError) else _RETRY_SECONDS
        headers["Retry-After"] = str(seconds)
    return ApiError(status, detail, headers)


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
