"""Requests that `blue` signs, as API Gateway checks them."""

import httpx
import pytest
from blue_faas_cli.signing import Signature
from botocore.credentials import Credentials

from tests.support.api_signature import signature_of


@pytest.mark.parametrize("token", [None, "a-session-token"])
def test_every_call_is_signed_with_its_body_and_its_query(token: str | None) -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    auth = Signature(Credentials("AKIAEXAMPLE", "secret", token), "ap-northeast-2")
    with httpx.Client(transport=httpx.MockTransport(keep), base_url="https://api.example", auth=auth) as client:
        client.post("/api/v1/build-and-push", files={"file": ("app.py", b"x = 1\n")}, data={"workspace_id": "w"})
        client.get("/api/v1/tasks/1", params={"workspace_id": "a b", "wait": 20, "since": "2026-01-01T00:00:00+09:00"})
        client.request("DELETE", "/api/v1/apps/team/한글")
    for request in seen:
        assert request.headers["authorization"].rpartition("Signature=")[2] == signature_of(request, "secret")
        assert request.headers.get("x-amz-security-token") == token
    assert seen[0].content
