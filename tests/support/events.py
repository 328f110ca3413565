"""Events as API Gateway (HTTP API, payload format 2.0) and EventBridge hand them to a Lambda function."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests


@dataclass
class LambdaContext:
    """What Powertools reads of the context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:ap-northeast-2:123456789012:function:function"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 28_000


def http_event(
    method: str,
    path: str,
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> dict[str, Any]:
    """One request; API Gateway base64-encodes every body that is not JSON or text."""
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    text = headers.get("content-type", "").startswith(("application/json", "text/"))
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "queryStringParameters": query or {},
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "body": body.decode("utf-8", "replace") if text else base64.b64encode(body).decode(),
        "isBase64Encoded": not text,
    }


def upload_event(
    fields: dict[str, str], file: tuple[str, bytes] | None, path: str = "/api/v1/build-and-push"
) -> dict[str, Any]:
    """A multipart upload, encoded by `requests` as the documented client does."""
    files = {"file": file} if file else {}
    prepared = requests.Request(
        "POST",
        f"http://localhost{path}",
        data=fields if file else None,
        files=files or {name: (None, value) for name, value in fields.items()},
    ).prepare()
    assert isinstance(prepared.body, bytes)
    return http_event("POST", path, headers=dict(prepared.headers), body=prepared.body)


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The JSON body of a Lambda answer."""
    parsed: dict[str, Any] = json.loads(answer["body"])
    return parsed
