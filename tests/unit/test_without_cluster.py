"""An installation that has no cluster: it builds, and says that it does not deploy."""

import base64
import hashlib
import json
from typing import Any

import pytest

from functions.contracts import settings
from tests.support.aws_account import Account
from tests.support.build_api import SOURCE, WORKSPACE, announce, request, started, task, upload
from tests.support.events import body_of

BLOCK = {"namespace": "default", "app_name": "my-function"}


@pytest.fixture
def builds_only(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.delenv("DEPLOY_FUNCTION")
    settings.reset()
    return account


def test_a_deploy_block_is_refused_before_anything_is_stored(builds_only: Account) -> None:
    announced = {
        "workspace_id": WORKSPACE,
        "file_name": "app.py",
        "size": len(SOURCE),
        "sha256": base64.b64encode(hashlib.sha256(SOURCE).digest()).decode(),
        "deploy": BLOCK,
    }
    for answer in (upload(deploy=json.dumps(BLOCK)), announce(announced)):
        assert answer["statusCode"] == 422
        assert "has no cluster to deploy to" in body_of(answer)["detail"]
    assert builds_only.is_empty()


def test_a_build_without_one_goes_its_way(builds_only: Account) -> None:
    assert task(started())["status"] == "pending"


def test_the_description_has_no_deployments(builds_only: Account) -> None:
    described: dict[str, Any] = json.loads(request("GET", "/openapi.json")["body"])
    assert "/api/v1/build-and-push" in described["paths"]
    assert [path for path in described["paths"] if "/apps" in path or path.endswith("/deploy")] == []
    assert [name for name, s in described["components"]["schemas"].items() if "deploy" in s.get("properties", {})] == []
    assert '"/api/v1/deploy"' not in request("GET", "/docs")["body"]
