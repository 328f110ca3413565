"""What the Kubernetes API answers: bodies read under a deadline and a size limit, and the errors that answers mean."""

import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from functions.cluster.call import Call
from functions.cluster.errors import (
    AdmissionDownError,
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    CutOffError,
    ForbiddenError,
    InvalidError,
    NamespaceClosedError,
    NamespaceEndingError,
    NamespaceNotFoundError,
    NotFoundError,
    PolicyError,
    ServerFailedError,
    TooManyRequestsError,
    TooSlowError,
    UnauthorizedError,
    UnreachableError,
    shorten,
)
from functions.cluster.names import Object
from functions.cluster.resources import NAMESPACES

_LARGEST_ANSWER: Final = 8 * 1024 * 1024
_LONGEST_PAUSE: Final = 60
# RBAC of kube-apiserver, of the one resource that every request is about.
_CLOSED: Final = re.compile(r'cannot \w+ resource "spinapps" .*in the namespace "')


def whole_body(response: urllib3.BaseHTTPResponse, call: Call) -> bytes:
    """Read the body, up to a size that no answer to a deploy has; the connection is free for the next call then."""
    chunks: list[bytes] = []
    size = 0
    for chunk in _chunks(response, call):
        chunks.append(chunk)
        size += len(chunk)
        if size > _LARGEST_ANSWER:
            response.close()
            raise ServerFailedError(call.failure(f"the answer is over {_LARGEST_ANSWER} bytes"))
    response.release_conn()
    return b"".join(chunks)


def lines(response: urllib3.BaseHTTPResponse, call: Call) -> Iterator[bytes]:
    """Yield the body's lines as they arrive: the events of a watch."""
    rest = b""
    for chunk in _chunks(response, call):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)


def _chunks(response: urllib3.BaseHTTPResponse, call: Call) -> Iterator[bytes]:
    """Yield the body as it arrives. urllib3's timeout is for one read: the deadline is checked between reads."""
    try:
        while chunk := response.read1(65536):
            yield chunk
            if call.deadline.remaining() <= 0:
                response.close()
                raise TooSlowError(call.failure("the answer did not arrive in time"))
    except HTTPError as error:
        raise transport_error(error, call) from error


def as_object(body: bytes, call: Call) -> Object:
    """Parse the JSON object in ``body``."""
    value = _json(body)
    if not isinstance(value, dict):
        raise ServerFailedError(call.failure("the answer is not a Kubernetes object"))
    return value


def transport_error(error: HTTPError, call: Call) -> ClusterError:
    """Return what a failure below HTTP means: whether anything was sent, and whether there is anything to wait for."""
    if isinstance(error, (ConnectTimeoutError, NewConnectionError)):
        return UnreachableError(call.failure("no connection to the Kubernetes API"))
    if isinstance(error, ReadTimeoutError):
        return TooSlowError(call.failure("no answer in time"))
    return CutOffError(call.failure("the connection to the Kubernetes API broke"))


def error_in(call: Call, status: int, body: bytes, headers: Mapping[str, str]) -> ClusterError:
    """Return the error that an answer stands for; its body is a ``Status`` object if all is well."""
    value = _json(body)
    said: Object = value if isinstance(value, dict) else {}
    message = shorten(str(said.get("message", "")))
    text = call.failure(message or f"HTTP {status}")
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return UnauthorizedError(text)
        case HTTPStatus.FORBIDDEN:
            return _forbidden(text, message, call.namespace)
        case HTTPStatus.NOT_FOUND:
            return _not_found(text, said.get("details"))
        case HTTPStatus.CONFLICT:
            return AlreadyExistsError(text) if said.get("reason") == "AlreadyExists" else ConflictError(text)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return TooManyRequestsError(text, _seconds(headers.get("Retry-After", "")))
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InvalidError(text)
    # The words of kube-apiserver's webhook dispatcher; the object has not come to the storage then.
    if "failed calling webhook" in message:
        return AdmissionDownError(text)
    return ServerFailedError(text)


def _forbidden(text: str, message: str, namespace: str) -> ClusterError:
    """Admission answers 403 too: two of these texts are what kube-apiserver's quota and lifecycle plugins say."""
    if "being terminated" in message:
        return NamespaceEndingError(text)
    if "exceeded quota" in message:
        return PolicyError(text)
    return NamespaceClosedError(text, namespace) if _CLOSED.search(message) else ForbiddenError(text)


def _not_found(text: str, details: Any) -> NotFoundError:
    # A resource that the server does not serve is answered without the name of an object.
    if not isinstance(details, dict) or not details.get("name"):
        return NotFoundError(text)
    if details.get("kind") == NAMESPACES.plural:
        return NamespaceNotFoundError(str(details["name"]))
    return NotFoundError(text, str(details.get("kind", "")))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _seconds(header: str) -> int:
    return min(max(int(header), 1), _LONGEST_PAUSE) if header.isascii() and header.isdigit() else 1
