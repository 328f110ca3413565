"""Reading what the Kubernetes API answers: bodies under a deadline and a size limit, and failures on the way."""

import json
from collections.abc import Iterator
from typing import Final

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from functions.cluster.api import Object
from functions.cluster.deadline import Deadline
from functions.cluster.errors import ClusterError, CutOffError, ServerFailedError, TooSlowError, UnreachableError

_LARGEST_ANSWER: Final = 8 * 1024 * 1024


def whole_body(response: urllib3.BaseHTTPResponse, doing: str, deadline: Deadline) -> bytes:
    """The body, up to a size that no answer to a deploy has; the connection is free for the next call afterwards."""
    chunks: list[bytes] = []
    size = 0
    for chunk in _chunks(response, doing, deadline):
        chunks.append(chunk)
        size += len(chunk)
        if size > _LARGEST_ANSWER:
            response.close()
            raise ServerFailedError(f"could not {doing}: the answer is over {_LARGEST_ANSWER} bytes")
    response.release_conn()
    return b"".join(chunks)


def lines(response: urllib3.BaseHTTPResponse, doing: str, deadline: Deadline) -> Iterator[bytes]:
    """The body's lines as they arrive: the events of a watch."""
    rest = b""
    for chunk in _chunks(response, doing, deadline):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)


def _chunks(response: urllib3.BaseHTTPResponse, doing: str, deadline: Deadline) -> Iterator[bytes]:
    """The body as it arrives. urllib3's timeout is for one read: the deadline is checked between reads."""
    try:
        while chunk := response.read1(65536):
            yield chunk
            if deadline.remaining() <= 0:
                response.close()
                raise TooSlowError(f"could not {doing}: the answer did not arrive in time")
    except HTTPError as error:
        raise transport_error(error, doing) from error


def as_object(body: bytes, doing: str) -> Object:
    """The JSON object in ``body``."""
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ServerFailedError(f"could not {doing}: the answer is not a Kubernetes object")
    return value


def transport_error(error: HTTPError, doing: str) -> ClusterError:
    """What a failure below HTTP means: was anything sent, and is there anything to wait for?"""
    if isinstance(error, (ConnectTimeoutError, NewConnectionError)):
        return UnreachableError(f"could not {doing}: no connection to the Kubernetes API")
    if isinstance(error, ReadTimeoutError):
        return TooSlowError(f"could not {doing}: no answer in time")
    return CutOffError(f"could not {doing}: the connection to the Kubernetes API broke")
