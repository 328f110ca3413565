"""The API under clients: reading a task, submitting sources of three sizes, deploying, paging through 20,000 tasks.

Submitted builds must not take the processors that the API is measured on: the cloud has one place for builds, and a
build that waits holds it. What callers see includes this machine's stand-ins for API Gateway, Lambda, DynamoDB and S3;
what the functions themselves do, and how often a request asks AWS, does not depend on them, and is counted beside it.
"""

import asyncio
import collections
import json
import os
import random
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from bench import charts
from bench.calls import Calls, counted
from bench.page import table
from bench.run import Run
from bench.service import timed_worker
from bench.service.load import Answers, Send, send
from bench.service.timed_aws import VARIABLE
from bench.sources import HELLO, never_built
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.support.client import Client, spin_toml, zipped

CLIENTS: Final = (1, 10, 50)
TASKS: Final = 20_000
_GET: Final = "GET a task"
_DEPLOY: Final = "POST a deploy"
_OF_EACH_FUNCTION: Final = (_GET, _DEPLOY)
_REQUESTS: Final = {1: 100, 10: 100, 50: 150}
_IN_TRIAL: Final = {1: 5, 10: 20, 50: 50}
_SIZES: Final = {"10 kB": 10_000, "1 MB": 1_000_000, "4 MB": 4_000_000}
_WORK: Final = (timed_worker.HANDLER, timed_worker.VALIDATION, timed_worker.ANSWER, timed_worker.SDK)
"""Kinds of work that are the function's own."""

Found = Mapping[str, Mapping[int, Answers]]
"""By request and number of clients."""


def measure(run: Run) -> str:
    """Return the section of the page."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder, "times")
        os.environ[VARIABLE] = str(times)
        try:
            options = CloudOptions(port=0, concurrent_builds=1, aws="bench.service.timed_aws")
            with counted() as calls, Cloud(options) as cloud:
                return _measure(cloud, calls, times, run)
        finally:
            del os.environ[VARIABLE]


def _measure(cloud: Cloud, calls: Calls, times: Path, run: Run) -> str:
    client = Client(cloud)
    task = client.wait(client.start("app.py", HELLO.read_bytes()))
    image = task["result"]["image_url"]
    client.deploy(namespace="default", app_name="warm", image_ref=image).raise_for_status()
    _fill(client, task["task_id"])
    client.start("hold.zip", zipped(**{"spin.toml": spin_toml("sleep 290"), "app.py": HELLO.read_bytes()}))
    kinds = _kinds(task["task_id"], image)
    requests = _IN_TRIAL if run.is_trial else _REQUESTS
    found: dict[str, dict[int, Answers]] = {}
    own: dict[str, list[dict[str, Any]]] = {}
    for name in _OF_EACH_FUNCTION:  # as many workers are started as there will be clients
        asyncio.run(send(cloud.url, CLIENTS[-1], kinds[name], requests=CLIENTS[-1]))
    for name, make in kinds.items():
        asyncio.run(send(cloud.url, 1, make, requests=1))
        times.write_text("")
        found[name] = {1: asyncio.run(send(cloud.url, 1, make, requests=requests[1]))}
        own[name] = [json.loads(line) for line in times.read_text().splitlines()]
        found[name] |= {
            count: asyncio.run(send(cloud.url, count, make, requests=requests[count])) for count in CLIENTS[1:]
        }
    counts = [[name, _calls(cloud, calls, make)] for name, make in kinds.items()]
    return "\n\n".join(
        (
            *_seen(found, run),
            "Where one request's time goes in its function, once the function is warm (one client; medians, with the "
            "lowest and the highest in parentheses):",
            *_inside(own, run),
            "What one of them asks of AWS, by the actions that its role is asked for:",
            table(("request", "calls"), counts),
        )
    )


def _seen(found: Found, run: Run) -> tuple[str, str]:
    rows = [
        [name, str(count), *_told(answers)]
        for name, by_clients in found.items()
        for count, answers in by_clients.items()
    ]
    series = {
        f"{share:.0%}, {_clients(count)}": [1000 * of_name[count].percentile(share) for of_name in found.values()]
        for count in CLIENTS
        for share in (0.5, 0.99)
    }
    chart = charts.bars("Milliseconds until the answer", list(found), series, logarithmic=True, x_label_rotation=20)
    most = CLIENTS[-1]
    says = f"Median and 99 % of each request at {', '.join(map(str, CLIENTS))} clients. At {most}: " + "; ".join(
        f"{name} {1000 * of_name[most].percentile(0.5):.0f} and {1000 * of_name[most].percentile(0.99):.0f} ms"
        for name, of_name in found.items()
    )
    seen = table(("request", "clients", "median", "99 %", "a second", "answers", "errors"), rows)
    return seen, run.figure("api", says, chart)


def _clients(count: int) -> str:
    return f"{count} client{'s' * (count > 1)}"


def _inside(own: Mapping[str, Sequence[Mapping[str, Any]]], run: Run) -> tuple[str, str]:
    """Tell how long functions work, and how long they wait."""
    kinds = (*_WORK, timed_worker.WAITING)
    medians = {
        name: [1000 * statistics.median(one["seconds"].get(kind, 0.0) for one in times) for kind in kinds]
        for name, times in own.items()
    }
    rows = []
    for name, times in own.items():
        works = [1000 * sum(one["seconds"].get(kind, 0.0) for kind in _WORK) for one in times]
        processor = [1000 * one["processor"] for one in times]
        sent = statistics.median(one["sent"] for one in times)
        rows.append(
            [name, _spread(works), _spread(processor), *(f"{value:.1f}" for value in medians[name]), f"{sent:g}"]
        )
    series = {kind: [medians[name][number] for name in own] for number, kind in enumerate(kinds)}
    says = "Bars: " + "; ".join(f"{name}: {row[1]} ms of its own" for name, row in zip(own, rows, strict=True))
    chart = charts.rows(
        "Milliseconds of one request in its function", list(own), series, legend_at_bottom=True, height=420
    )
    head = ("request", "its own work, ms", "its processor time, ms", *kinds, "requests sent")
    return table(head, rows), run.figure("handlers", says, chart)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _kinds(task_id: str, image: str) -> dict[str, Send]:
    rng = random.Random(0)  # noqa: S311 - file contents
    workspace = "my-workspace"

    def build(size: int) -> Send:
        filler = b"#" + rng.randbytes(size // 2).hex().encode()

        def post(http: httpx.AsyncClient, number: int) -> Any:
            # So many that no workspace reaches its limit.
            data = {"workspace_id": f"load-{number % 50}"}
            return http.post("/api/v1/build-and-push", files={"file": ("app.py", never_built(more=filler))}, data=data)

        return post

    def deploy(http: httpx.AsyncClient, number: int) -> Any:
        body = {
            "app_name": f"load-{number % 5}",
            "namespace": "default",
            "image_ref": image,
            "enable_autoscaling": False,
        }
        return http.post("/api/v1/deploy", json=body)

    return {
        _GET: lambda http, _: http.get(f"/api/v1/tasks/{task_id}", params={"workspace_id": workspace}),
        f"a page of {TASKS:,} tasks": lambda http, _: http.get("/api/v1/workspaces/many/tasks", params={"limit": 100}),
        _DEPLOY: deploy,
        # Last: the executions of builds that wait ask for a place again and again.
        **{f"POST a build, {name}": build(size) for name, size in _SIZES.items()},
    }


def _told(answers: Answers) -> list[str]:
    return [
        f"{1000 * answers.percentile(0.5):.0f} ms",
        f"{1000 * answers.percentile(0.99):.0f} ms",
        f"{answers.rate:.0f}",
        str(len(answers.seconds)),
        str(answers.errors) if not answers.errors else f"**{answers.errors}** ({dict(answers.statuses)})",
    ]


def _calls(cloud: Cloud, calls: Calls, make: Send) -> str:
    """Count what one request makes its function ask, by action."""
    calls.new()
    asyncio.run(send(cloud.url, 1, make, requests=1))
    asked = collections.Counter(
        action
        for role, action in calls.new()
        if ("ApiBuilds" in role or "Deployer" in role) and action != "sts:GetCallerIdentity"  # how EKS knows a token
    )
    return (
        ", ".join(f"{action} {number}" if number > 1 else action for action, number in sorted(asked.items())) or "none"
    )


def _fill(client: Client, task_id: str) -> None:
    """Make a workspace of many tasks, out of the row of a real one."""
    table_name = client.outputs["TaskTable"]
    dynamodb = client.aws("dynamodb")
    key = {"workspace_id": {"S": "my-workspace"}, "task_id": {"S": task_id}}
    row = dynamodb.get_item(TableName=table_name, Key=key)["Item"]
    # Task ids begin with their time: these are in order, and older than what this run makes.
    ids = [f"{task_id[:19]}{number:017x}" for number in range(TASKS)]
    rows = [{**row, "workspace_id": {"S": "many"}, "task_id": {"S": one[:23] + "-" + one[24:]}} for one in ids]
    for start in range(0, TASKS, 25):
        puts = [{"PutRequest": {"Item": item}} for item in rows[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={table_name: puts})
