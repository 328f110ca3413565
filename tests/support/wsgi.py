"""A Lambda handler of the API as a WSGI app: what API Gateway makes of a request, and of the handler's answer."""

import base64
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from tests.support.events import http_event

Handler = Callable[[dict[str, Any]], dict[str, Any]]


def wsgi_app(handler: Handler) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """A WSGI app that answers with ``handler``, which gets events in payload format 2.0."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = handler(_event(environ))
        headers = {**answer.get("headers", {}), **{k: v[-1] for k, v in answer.get("multiValueHeaders", {}).items()}}
        body = answer.get("body") or ""
        start_response(f"{int(answer['statusCode'])} -", [(name, str(value)) for name, value in headers.items()])
        return [base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()]

    return app


def _event(environ: dict[str, Any]) -> dict[str, Any]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}
    }
    query: dict[str, str] = {}
    for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True):
        # HTTP APIs join the values of a parameter that is there several times.
        query[name] = f"{query[name]},{value}" if name in query else value
    return http_event(
        environ["REQUEST_METHOD"],
        environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        query=query,
        headers=headers,
        body=environ["wsgi.input"].read(),
    )
