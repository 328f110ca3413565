"""The front has no clock of its own: what is behind it says how long a request takes."""

import asyncio
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from local.aws.credentials import RunCredentials
from local.front.api_gateway import ApiGateway
from local.front.config import FrontConfig

HOUR: Final = 3600.0


@pytest.fixture
def gateway(tmp_path: Path) -> ApiGateway:
    """Forward to AWS APIs that are not there."""
    file = tmp_path / "credentials.json"
    file.write_text(RunCredentials.make().model_dump_json())
    config = FrontConfig(
        aws_endpoint="http://127.0.0.1:1",
        api_id="a1",
        account="000000000000",
        region="ap-northeast-2",
        cluster_name="c",
        credentials_file=file,
    )
    return ApiGateway(config)


def asked(gateway: ApiGateway) -> Response:
    """Answer one request through the front."""
    scope = {"type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def story() -> Response:
        answer = await gateway.handle(Request(scope, receive))
        await gateway.close()
        return answer

    return asyncio.run(story())


def test_an_answer_that_takes_an_hour_is_given(gateway: ApiGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers who wait stand in a line first, and on a busy machine for long: that is no failure of the AWS APIs."""

    async def in_an_hour(_: object, request: httpx.Request) -> httpx.Response:
        if any(limit is not None and limit < HOUR for limit in request.extensions["timeout"].values()):
            raise httpx.ReadTimeout("", request=request)
        return httpx.Response(200, content=b"late")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", in_an_hour)
    answer = asked(gateway)
    assert (answer.status_code, answer.body) == (200, b"late")


def test_apis_that_are_not_there_are_told_of(gateway: ApiGateway) -> None:
    answer = asked(gateway)
    assert answer.status_code == 502
    assert b"The AWS APIs of this machine do not answer" in answer.body
