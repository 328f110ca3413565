"""Processes that run Lambda functions: what they see, and what happens when they end."""

import itertools
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.tests.aws.conftest import Cloud
from local.tests.aws.test_pipeline import api

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


def through_the_api(cloud: Cloud, outputs: Outputs, path: str) -> httpx.Response:
    """Answer of Echo's route."""
    with api(cloud, outputs) as client:
        return client.get(path)


@contextmanager
def reserved(cloud: Cloud, outputs: Outputs, executions: int) -> Iterator[None]:
    """Echo with this many executions of its own."""
    function = {"FunctionName": outputs["Echo"]}
    cloud.client("lambda").put_function_concurrency(**function, ReservedConcurrentExecutions=executions)
    try:
        yield
    finally:
        cloud.client("lambda").delete_function_concurrency(**function)


def test_a_function_runs_no_more_often_at_once_than_it_has_reserved(cloud: Cloud, outputs: Outputs) -> None:
    with reserved(cloud, outputs, 1), ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: invoke(cloud, outputs, "/rest"), range(3)))
    times = sorted(json.loads(answer["payload"]["body"])["from_to"] for answer in answers)
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(times))


def test_a_function_without_a_place_is_503_at_the_api_as_on_aws(cloud: Cloud, outputs: Outputs) -> None:
    with reserved(cloud, outputs, 0):
        answer = through_the_api(cloud, outputs, "/anything")
        assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            invoke(cloud, outputs)
    assert through_the_api(cloud, outputs, "/anything").status_code == 200


def test_a_function_that_breaks_is_500_at_the_api_as_on_aws(cloud: Cloud, outputs: Outputs) -> None:
    answer = through_the_api(cloud, outputs, "/exit")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


def test_a_hundred_executions_can_be_reserved_by_nobody(cloud: Cloud, outputs: Outputs) -> None:
    limit = cloud.client("lambda").get_account_settings()["AccountLimit"]
    assert limit["ConcurrentExecutions"] == 1000
    most = limit["UnreservedConcurrentExecutions"] - 100
    with reserved(cloud, outputs, most):
        pass
    with pytest.raises(ClientError, match="below its minimum value of"), reserved(cloud, outputs, most + 1):
        pass
