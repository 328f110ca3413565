"""Hundreds of callers who wait: as many as may are held back, others are told when to come again, all are served."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from functions.tasks.waiting import RETRY_SECONDS
from local.cloud.assembly import OVERRIDES
from tests.e2e.test_task_api import announce, app
from tests.support.client import Client

OF_ONE = int(str(OVERRIDES["blue-faas.limits.waiting_requests"]))
OF_ALL = int(str(OVERRIDES["blue-faas.limits.all_waiting_requests"]))
CALLERS = 200
LONGEST = 25
"""Seconds that a caller may ask to wait."""


def unfinished(cloud: Client, workspace_id: str) -> str:
    """A task that ends when it is told to: its upload does not come."""
    return str(announce(cloud, workspace_id, app(workspace_id)).json()["task_id"])


@asynccontextmanager
async def waiting(cloud: Client, task_id: str, workspace_id: str, callers: int) -> AsyncIterator[list[httpx.Response]]:
    """So many callers of one task, until the block ends the task; the answers are there afterwards."""
    answers: list[httpx.Response] = []
    query: dict[str, Any] = {"workspace_id": workspace_id, "wait": LONGEST}
    async with httpx.AsyncClient(base_url=cloud.url, timeout=120, limits=httpx.Limits(max_connections=None)) as http:

        async def ask() -> None:
            answers.append(await http.get(f"/api/v1/tasks/{task_id}", params=query))

        everybody = [asyncio.create_task(ask()) for _ in range(callers)]
        yield answers
        await asyncio.gather(*everybody)


def held(cloud: Client) -> dict[str, int]:
    """How many callers are held back now, in all and by workspace."""
    key = {"workspace_id": {"S": "#waiting"}, "task_id": {"S": "builds"}}
    item = cloud.aws("dynamodb").get_item(TableName=cloud.outputs["TaskTable"], Key=key).get("Item", {})
    return {name: len(value["SS"]) for name, value in item.items() if "SS" in value}


async def watch(cloud: Client, most: Counter[str]) -> None:
    """Note the most callers that are held back at a time."""
    while True:
        for name, number in (await asyncio.to_thread(held, cloud)).items():
            most[name] = max(most[name], number)
        await asyncio.sleep(0.3)


async def some_refused(answers: list[httpx.Response]) -> dict[str, Any]:
    """Wait until callers have been refused, because others wait; answer what they were told."""
    while not (refused := [answer for answer in answers if answer.status_code == 429]):
        await asyncio.sleep(0.05)
    told: dict[str, Any] = refused[0].json()
    return told


def test_others_are_served_while_hundreds_wait(cloud: Client) -> None:
    one, other = (unfinished(cloud, name) for name in ("waits", "waits-too"))
    most: Counter[str] = Counter()

    async def story() -> list[httpx.Response]:
        watcher = asyncio.create_task(watch(cloud, most))
        async with (
            waiting(cloud, one, "waits", CALLERS) as answers,
            httpx.AsyncClient(base_url=cloud.url, timeout=120) as http,
        ):
            assert "'waits' has as many requests waiting as it may" in (await some_refused(answers))["detail"]
            for path in ("/health", f"/api/v1/tasks/{one}?workspace_id=waits", "/api/v1/apps?namespace=default"):
                assert (await http.get(path)).status_code == 200, path
            async with waiting(cloud, other, "waits-too", OF_ALL) as of_others:
                assert "has as many requests waiting" in (await some_refused(of_others))["detail"]
                built = await asyncio.to_thread(cloud.start, "app.zip", app("served"), workspace_id="served")
                while (task := await asyncio.to_thread(cloud.task, built, "served"))["status"] != "done":
                    assert task["status"] != "failed", task["error"]
                    await asyncio.sleep(0.1)
                for task_id, workspace_id in ((one, "waits"), (other, "waits-too")):
                    gone = await http.delete(f"/api/v1/tasks/{task_id}", params={"workspace_id": workspace_id})
                    assert gone.json()["outcome"] == "cancelled"
        watcher.cancel()
        return [*answers, *of_others]

    answers = asyncio.run(story())
    assert Counter(answer.status_code for answer in answers).keys() == {200, 429}
    assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 429} == {
        str(RETRY_SECONDS)
    }
    assert (most["of:waits"], most["all"]) == (OF_ONE, OF_ALL), "as many as may, and no more"
    assert held(cloud) == {}
