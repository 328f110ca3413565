"""What operators are told: of a function that is broken, and of no mistake of a caller's."""

import datetime
import uuid
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from tests.support import operators
from tests.support.client import COMPONENT, Client, spin_toml, zipped
from tests.support.isolation import REQUESTS, Target

TASK: Final = "0192f3a0-7c1a-7b3e-9d2f-5a4c6e8b0d12"
MISTAKES: Final[dict[str, dict[str, Any]]] = {
    "nothing of the sort": {},
    "no JSON": {"content": b"{", "headers": {"content-type": "application/json"}},
    "deep JSON": {"content": b"[" * 5_000, "headers": {"content-type": "application/json"}},
    "a long number": {"content": b'{"size": ' + b"9" * 5_000 + b"}", "headers": {"content-type": "application/json"}},
    "a form without a boundary": {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary="}},
    "another media type": {"content": b"x", "headers": {"content-type": "text/csv"}},
    "what no field takes": {"params": {"workspace_id": "../x", "namespace": "-", "wait": "soon", "limit": "0"}},
}
"""What a caller may get wrong with any operation, as httpx sends it."""
COUNTED_BY_RUNS: Final = {"Latency", "OpenTasks"}
"""Metrics that move with every request or run: alarms look at how large they are."""


@pytest.fixture
def queue(cloud: Client) -> Iterator[str]:
    """URL of a queue that gets what operators are told."""
    topic, name = cloud.outputs["AlarmTopicArn"], f"operators-{uuid.uuid4()}"
    with operators.subscribed(cloud.aws("sqs"), cloud.aws("sns"), topic, name) as url:
        yield url


def told(cloud: Client, queue: str) -> list[tuple[str, str]]:
    """Name and state of the alarms that the queue has been told of since it was last asked."""
    alarms = operators.told(cloud.aws("sqs"), queue)
    return [(alarm["AlarmName"].partition("-")[2], alarm["NewStateValue"]) for alarm in alarms]


def counted(cloud: Client) -> dict[str, float]:
    """Sum of the metric of each alarm, of the last hours."""
    cloudwatch = cloud.aws("cloudwatch")
    now = datetime.datetime.now(datetime.UTC)
    span = {"StartTime": now - datetime.timedelta(hours=6), "EndTime": now + datetime.timedelta(minutes=1)}
    sums = {}
    for alarm in cloudwatch.describe_alarms(MaxRecords=100)["MetricAlarms"]:
        if alarm["MetricName"] in COUNTED_BY_RUNS:
            continue
        metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions")}
        points = cloudwatch.get_metric_statistics(**metric, **span, Period=86_400, Statistics=["Sum"])["Datapoints"]
        sums[alarm["AlarmName"]] = sum(point["Sum"] for point in points)
    return sums


def mistakes(cloud: Client) -> Iterator[httpx.Response]:
    """The answers to every mistake in every operation, and to what is named but not there."""
    target = Target("nobodys-workspace", TASK, "no-such-namespace", "no-such-app")
    for operation, request in REQUESTS.items():
        method, made = operation.partition(" ")[0], request(target)
        for mistake in MISTAKES.values():
            yield cloud.http.request(method, made.path, **mistake)
        if made.form is None and "{" in operation:
            yield cloud.http.request(method, made.path, params=made.query, json=made.body)
    yield cloud.http.get("/api/v1/tasks/" + "x" * 3_000, params={"workspace_id": "my-workspace"})
    yield cloud.http.get("/nowhere")
    yield cloud.upload("app.py", b"x" * 4_600_000)


def test_callers_mistakes_move_no_alarm(cloud: Client) -> None:
    before = counted(cloud)
    answers = list(mistakes(cloud))
    assert {answer.status_code for answer in answers if answer.status_code >= 500} == set(), [
        (answer.request.method, answer.request.url.path, answer.text) for answer in answers if answer.is_server_error
    ]
    uploads = {
        "no manifest": zipped(**{"app.wasm": COMPONENT}),
        "no TOML": zipped(**{"spin.toml": b"x = " + b"9" * 5_000, "app.wasm": COMPONENT}),
        "a build that fails": zipped(**{"spin.toml": spin_toml("exit 3"), "app.wasm": COMPONENT}),
    }
    tasks = [cloud.upload("app.zip", content) for content in uploads.values()]
    tasks.append(cloud.upload("app.py", b"x: int = 'no number'\n"))
    ended = [cloud.wait(task.json()["task_id"]) for task in tasks if task.status_code == 202]
    assert {task["status"] for task in ended} == {"failed"}
    # It counts all tasks that fail, by whatever fault, as soon as a function's log is written.
    failed = "BlueFaas-FailedTasks"
    cloud.until(lambda: counted(cloud)[failed] - before[failed] >= len(ended))
    assert [name for name, sum_of in counted(cloud).items() if sum_of != before[name]] == [failed]


def test_a_function_that_answers_nobody_is_told_to_the_operators(cloud: Client, queue: str) -> None:
    (function,) = [
        each["FunctionName"]
        for page in cloud.aws("lambda").get_paginator("list_functions").paginate()
        for each in page["Functions"]
        if each["Handler"] == "functions.handlers.health.handler"
    ]
    reserved = cloud.aws("lambda").get_function_concurrency(FunctionName=function)["ReservedConcurrentExecutions"]
    cloud.aws("cloudwatch").describe_alarms()
    told(cloud, queue)
    cloud.aws("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        answers = [cloud.http.get("/health") for _ in range(5)]
    finally:
        cloud.aws("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=reserved)
    assert {answer.status_code for answer in answers} == {503}
    cloud.aws("cloudwatch").describe_alarms()
    cloud.until(lambda: ("ApiErrors", "ALARM") in told(cloud, queue))
    assert cloud.http.get("/health").status_code == 200
