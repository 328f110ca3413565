"""Probes count as Kubernetes counts: so many in a row, and no failure within the initial delay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpcore
import pytest

from local.kubernetes.kubelet.probes import cancel, watch_liveness, watch_readiness

REFUSED = "HTTP probe failed with statuscode: 500"


@asynccontextmanager
async def function(*statuses: int) -> AsyncIterator[tuple[int, list[int]]]:
    """A function that answers with these statuses, then with the last again; yields its port, and what is left."""
    left = list(statuses)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            status = left.pop(0) if left else statuses[-1]
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], left


def probe(**numbers: float) -> dict[str, Any]:
    return {"httpGet": {"path": "/"}, "periodSeconds": 0.01, "timeoutSeconds": 30, **numbers}


async def readiness(*statuses: int, changes: list[bool], **numbers: float) -> tuple[list[str], list[int]]:
    """Probe until readiness has changed so; the failures that were told, and the statuses not asked for until then."""
    seen: list[bool] = []
    failures: list[str] = []
    reached = asyncio.Event()

    def changed(ready: bool) -> None:
        seen.append(ready)
        if len(seen) == len(changes):
            reached.set()

    async with function(*statuses) as (port, left):
        watching = asyncio.create_task(watch_readiness(probe(**numbers), port, changed, failures.append))
        await reached.wait()
        rest, told = list(left), list(failures)
        await cancel(watching)
    assert seen == changes
    return told, rest


def test_readiness_changes_after_so_many_in_a_row() -> None:
    statuses = (500, 200, 500, 200, 200, 500, 200, 500, 500)
    found = asyncio.run(readiness(*statuses, changes=[True, False], successThreshold=2, failureThreshold=2))
    assert found == ([REFUSED] * 5, [])


def test_a_failure_within_the_initial_delay_says_nothing_and_a_success_counts() -> None:
    assert asyncio.run(readiness(500, 500, 200, changes=[True], initialDelaySeconds=3600)) == ([], [])


def test_liveness_ends_after_so_many_failures_in_a_row() -> None:
    failures: list[str] = []

    async def run() -> list[int]:
        async with function(500, 200, 500, 500) as (port, left):
            await watch_liveness(probe(failureThreshold=2), port, failures.append)
            return left

    assert asyncio.run(run()) == []
    assert failures == [REFUSED] * 3


@pytest.mark.parametrize("which", ["readiness", "liveness"])
def test_probes_that_are_cancelled_as_their_answer_comes_end(monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    async def scenario() -> None:
        asked = asyncio.Event()

        async def answer(*_: object, **__: object) -> httpcore.Response:
            asyncio.get_running_loop().call_soon(watching.cancel)
            asked.set()
            return httpcore.Response(200)

        monkeypatch.setattr(httpcore.AsyncConnectionPool, "request", answer)
        slow = probe(periodSeconds=60)
        if which == "readiness":
            watching = asyncio.create_task(watch_readiness(slow, 1, lambda _: None, lambda _: None))
        else:
            watching = asyncio.create_task(watch_liveness(slow, 1, lambda _: None))
        await asked.wait()
        await asyncio.wait({watching}, timeout=5)
        assert watching.cancelled()

    asyncio.run(scenario())
