"""Processes that run Lambda functions: what they see, and what happens when they end."""

import json
import os
from typing import Any

import pytest

from local.tests.aws.conftest import Cloud

Outputs = dict[str, str]


def invoke(cloud: Cloud, outputs: Outputs, path: str = "/") -> dict[str, Any]:
    """Invoke Echo; the answer as Lambda gives it, its payload read."""
    answer = cloud.client("lambda").invoke(FunctionName=outputs["Echo"], Payload=json.dumps({"rawPath": path}))
    return {"error": answer.get("FunctionError"), "payload": json.loads(answer["Payload"].read() or b"null")}


@pytest.fixture(scope="module")
def seen(cloud: Cloud, outputs: Outputs) -> dict[str, Any]:
    """What the function says that it sees."""
    found: dict[str, Any] = json.loads(invoke(cloud, outputs)["payload"]["body"])
    return found


def test_a_function_finds_its_own_code_and_not_this_repository(seen: dict[str, Any]) -> None:
    assert seen["own_code_first"] == seen["environment"]["LAMBDA_TASK_ROOT"]
    assert seen["importable"] == []


def test_its_environment_is_its_own(seen: dict[str, Any], outputs: Outputs) -> None:
    environment = seen["environment"]
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == outputs["Echo"]
    assert environment["TABLE"] == outputs["Table"]
    assert "PYTHONPATH" not in environment
    assert "PYTEST_CURRENT_TEST" in os.environ
    assert "PYTEST_CURRENT_TEST" not in environment


def test_a_process_that_ends_is_an_error_and_replaced(cloud: Cloud, outputs: Outputs) -> None:
    assert invoke(cloud, outputs, "/exit")["error"]
    assert invoke(cloud, outputs)["error"] is None
