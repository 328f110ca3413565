"""Logs as plain text, for whoever asks for that: ``curl -H 'Accept: text/plain'``."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

TEXT: Final = "text/plain"
_JSON: Final = "application/json"


def wants_text(headers: Mapping[str, str]) -> bool:
    """Return whether a request prefers plain text to JSON (RFC 9110, "Accept"); wildcards mean JSON.

    >>> wants_text({"accept": "text/plain"})
    True
    >>> wants_text({"accept": "application/json;q=0.5, text/plain"})
    True
    >>> wants_text({"accept": "text/html, */*"})
    False
    """
    weights = dict(_weighed(part) for part in headers.get("accept", "").split(","))
    return weights.get(TEXT, 0.0) > weights.get(_JSON, 0.0)


def text_answer(lines: Iterable[str], path: str, next_page: Mapping[str, str] | None) -> Response[Any]:
    """Return lines as plain text.

    Parameters
    ----------
    path
        Path of the request.
    next_page
        Query of the request for what comes after these lines, which the header ``Link`` has (RFC 8288); None if nothing
        comes.
    """
    headers = {} if next_page is None else {"Link": f'<{path}?{urlencode(next_page)}>; rel="next"'}
    body = "".join(f"{line}\n" for line in lines)
    return Response(HTTPStatus.OK, f"{TEXT}; charset=utf-8", body, headers=headers)


def also_text(documented: dict[int, OpenAPIResponse]) -> dict[int, OpenAPIResponse]:
    """Return the ``responses`` of a route, with plain text beside the JSON of success."""
    success = documented[int(HTTPStatus.OK)]
    content = {**success["content"], TEXT: {"schema": {"type": "string"}}}
    return {**documented, int(HTTPStatus.OK): {**success, "content": content}}  # type: ignore[typeddict-item]  # a schema of its own


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((value for value in parameters if value.startswith("q=")), "q=1")
    try:
        return name, float(weight.removeprefix("q="))
    except ValueError:
        return name, 0.0
