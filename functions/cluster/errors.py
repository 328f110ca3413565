"""What can go wrong between us and the cluster, by what one can do about it.

The adapter raises these and nothing else; the flow catches the few it can handle; `functions.api.cluster_errors` turns
the rest into HTTP answers. Messages carry the server's own words, cut to a readable size: an API server repeats the
whole refused object in some of them.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

_LONGEST_MESSAGE: Final = 500
# RBAC of kube-apiserver, of the one resource that every request is about.
_CLOSED: Final = re.compile(r'cannot \w+ resource "spinapps" .*in the namespace "')


class RefusedError(Exception):
    """The request cannot be carried out as it is: an answer to the caller, with its HTTP status."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class ClusterError(Exception):
    """Any failure of a call to the Kubernetes API. The message says what was being done and what came back."""


class UnauthorizedError(ClusterError):
    """401: the API server does not know our token."""


class ForbiddenError(ClusterError):
    """403: the API server knows us and RBAC says no."""


class NamespaceClosedError(ForbiddenError):
    """403: RBAC has not opened the namespace to us."""


class PolicyError(ClusterError):
    """403 that is not about us: a resource quota."""


class NamespaceEndingError(ClusterError):
    """403: the namespace is being deleted."""


class AdmissionDownError(ClusterError):
    """500: an admission webhook, SpinKube's for example, does not answer. Nothing was written."""


class NotFoundError(ClusterError):
    """404. ``resource`` is the plural that is missing, or empty when the API server does not serve the kind at all."""

    def __init__(self, message: str, resource: str = "") -> None:
        super().__init__(message)
        self.resource = resource


class AlreadyExistsError(ClusterError):
    """409 to a create."""


class ConflictError(ClusterError):
    """409 to a write: the object has changed since it was read."""


class InvalidError(ClusterError):
    """400 or 422: the schema, a webhook or admission refused the object."""


class TooManyRequestsError(ClusterError):
    """429: the API server sheds load. ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerFailedError(ClusterError):
    """5xx, or an answer that is not Kubernetes' JSON. A write may or may not have happened."""


class UnreachableError(ClusterError):
    """No connection: nothing was sent, so anything may be tried again."""


class CutOffError(ClusterError):
    """The connection broke after the request was sent. A write may or may not have happened."""


class TooSlowError(ClusterError):
    """No answer in time. A write may or may not have happened."""


class AccessError(ClusterError):
    """AWS did not tell us how to reach the cluster."""


class IncompleteError(ClusterError):
    """The SpinApp is written, what goes with it is not: ``reason`` says why, the message how to go on."""

    def __init__(self, message: str, reason: ClusterError) -> None:
        super().__init__(message)
        self.reason = reason


OUTCOME_UNKNOWN: Final = (ServerFailedError, CutOffError)
"""After these a write is looked for before it is repeated (not after `TooSlowError`: no time is left for that)."""


def shorten(text: str) -> str:
    """``text`` on one line, at most 500 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def from_response(status: int, body: bytes, headers: Mapping[str, str], doing: str) -> ClusterError:
    """The error that an API server's answer stands for (the body is a ``Status`` object, if all is well)."""
    said = _status_object(body)
    reason, message = str(said.get("reason", "")), shorten(str(said.get("message", "")))
    text = f"could not {doing}: {message or f'HTTP {status}'}"
    if status == HTTPStatus.UNAUTHORIZED:
        return UnauthorizedError(text)
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(message)(text)
    if status == HTTPStatus.NOT_FOUND:
        return NotFoundError(text, _missing_resource(said.get("details")))
    if status == HTTPStatus.CONFLICT:
        return AlreadyExistsError(text) if reason == "AlreadyExists" else ConflictError(text)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooManyRequestsError(text, _seconds(headers.get("Retry-After", "")))
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InvalidError(text)
    # The words of kube-apiserver's webhook dispatcher; the object has not come to the storage then.
    if "failed calling webhook" in message:
        return AdmissionDownError(text)
    return ServerFailedError(text)


def _forbidden(message: str) -> type[ClusterError]:
    # Admission answers 403 too; these two texts are what kube-apiserver's quota and lifecycle plugins say.
    if "being terminated" in message:
        return NamespaceEndingError
    if "exceeded quota" in message:
        return PolicyError
    return NamespaceClosedError if _CLOSED.search(message) else ForbiddenError


def _missing_resource(details: object) -> str:
    # A resource that the server does not serve is answered without the name of an object.
    return str(details.get("kind", "")) if isinstance(details, dict) and details.get("name") else ""


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(header: str) -> int:
    return min(max(int(header), 1), 60) if header.isascii() and header.isdigit() else 1
