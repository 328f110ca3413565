"""The API under clients: reading a task, submitting sources of three sizes, deploying, paging through 20,000 tasks.

Submitted builds must not take the processors that the API is measured on: the cloud has one place for builds, and a
build that waits holds it. What callers see includes this machine's stand-ins for API Gateway, Lambda, DynamoDB and S3;
how often a request asks AWS does not depend on them, and is counted beside it.
"""

import asyncio
import collections
import random
from typing import Any, Final

import httpx

from bench.calls import Calls, counted
from bench.page import table
from bench.service.load import Send, send
from bench.sources import HELLO, never_built
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.support.client import Client, spin_toml, zipped

CLIENTS: Final = (1, 10, 50)
TASKS: Final = 20_000
_REQUESTS: Final = {1: 40, 10: 200, 50: 300}
_SIZES: Final = {"10 kB": 10_000, "1 MB": 1_000_000, "4 MB": 4_000_000}


def measure() -> str:
    """Return the section of the page."""
    with counted() as calls, Cloud(CloudOptions(port=0, concurrent_builds=1)) as cloud:
        return _measure(cloud, calls)


def _measure(cloud: Cloud, calls: Calls) -> str:
    client = Client(cloud)
    task = client.wait(client.start("app.py", HELLO.read_bytes()))
    image = task["result"]["image_url"]
    client.deploy(namespace="default", app_name="warm", image_ref=image).raise_for_status()
    _fill(client, task["task_id"])
    client.start("hold.zip", zipped(**{"spin.toml": spin_toml("sleep 290"), "app.py": HELLO.read_bytes()}))
    kinds = _kinds(task["task_id"], image)
    rows = [[name, str(count), *_told(cloud, count, make)] for name, make in kinds.items() for count in CLIENTS]
    counts = [[name, _calls(cloud, calls, make)] for name, make in kinds.items()]
    return "\n\n".join(
        (
            table(("request", "clients", "median", "99 %", "a second", "errors"), rows),
            "What one of them asks of AWS, once the function is warm:",
            table(("request", "calls"), counts),
        )
    )


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
        "GET a task": lambda http, _: http.get(f"/api/v1/tasks/{task_id}", params={"workspace_id": workspace}),
        f"a page of {TASKS:,} tasks": lambda http, _: http.get("/api/v1/workspaces/many/tasks", params={"limit": 100}),
        **{f"POST a build, {name}": build(size) for name, size in _SIZES.items()},
        "POST a deploy": deploy,
    }


def _told(cloud: Cloud, clients: int, make: Send) -> list[str]:
    answers = asyncio.run(send(cloud.url, clients, make, requests=_REQUESTS[clients]))
    return [
        f"{1000 * answers.percentile(0.5):.0f} ms",
        f"{1000 * answers.percentile(0.99):.0f} ms",
        f"{answers.rate:.0f}",
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
