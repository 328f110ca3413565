"""Deployed functions: first answer, requests a second, an update under load, the autoscaler."""

import asyncio
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from bench.page import table
from bench.service.load import Answers, percentile, send
from bench.sources import never_built
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.benchmarks.chain import first_answer
from tests.support.client import Client

RUNS: Final = 7
_SECONDS: Final = 6.0
_CLIENTS: Final = 8
_AUTOSCALED_SECONDS: Final = 90.0
_BUSY: Final = b"""
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {}, str(sum(n * n for n in range(20_000))).encode())
"""


def measure() -> str:
    """Return the section of the page."""
    with Cloud(CloudOptions(port=0)) as cloud:
        client = Client(cloud)
        images = [_image(client, never_built()) for _ in range(RUNS + 1)]
        firsts = [first_answer(image, cloud, f"first-{number}") for number, image in enumerate(images[:RUNS])]
        rows = [
            [
                f"deploy of a new component to its first answer ({RUNS})",
                f"{_ms(statistics.median(firsts))}, {_ms(min(firsts))} to {_ms(max(firsts))}",
                "",
                "",
                "",
            ],
        ]
        for replicas in (1, 3):
            host = _deploy(client, images[0], "steady", enable_autoscaling=False, replicas=replicas)
            rows.append([f"{replicas} replica{'s' * (replicas > 1)}, {_CLIENTS} clients", *_told(_load(cloud, host))])
        rows += _update(client, images)
        scaled = _autoscaled(client, _image(client, _BUSY))
    return (
        table(("", "median", "99 %", "a second", "errors"), rows)
        + f"\n\nThe autoscaler, 1 to 4 replicas at 50 % of 100m CPU, under {_CLIENTS} clients: {scaled}."
    )


def _image(client: Client, source: bytes) -> str:
    return str(client.wait(client.start("app.py", source))["result"]["image_url"])


def _deploy(client: Client, image: str, app_name: str, **options: Any) -> str:
    """Deploy, wait until it is rolled out, return its host."""
    answer = (
        client.deploy(namespace="default", app_name=app_name, image_ref=image, wait=True, **options)
        .raise_for_status()
        .json()
    )
    return str(answer["endpoint"])


def _load(cloud: Cloud, host: str, until: Callable[[], bool] | None = None) -> Answers:
    ends = time.monotonic() + _SECONDS
    return asyncio.run(
        send(
            cloud.url,
            _CLIENTS,
            lambda http, _: http.get("/", headers={"host": host}),  # type: ignore[arg-type,return-value]
            until=until or (lambda: time.monotonic() > ends),
        )
    )


def _told(answers: Answers) -> list[str]:
    return [
        _ms(answers.percentile(0.5)),
        _ms(answers.percentile(0.99)),
        f"{answers.rate:.0f}",
        str(answers.errors),
    ]


def _update(client: Client, images: list[str]) -> list[list[str]]:
    """Roll out another component while clients call the app."""
    host = _deploy(client, images[0], "steady", enable_autoscaling=False, replicas=3)
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(_load, client.cloud, host, stopped.is_set)
        time.sleep(_SECONDS / 2)
        began = time.monotonic()
        _deploy(client, images[-1], "steady", enable_autoscaling=False, replicas=3)
        ended = time.monotonic()
        time.sleep(_SECONDS / 2)
        stopped.set()
        answers = running.result()
    spans = {"before": (0.0, began), "during": (began, ended), "after": (ended, float("inf"))}
    rows = []
    for name, (begin, end) in spans.items():
        seconds = answers.between(begin, end)
        rows.append(
            [f"update of 3 replicas: {name}", _ms(percentile(seconds, 0.5)), _ms(percentile(seconds, 0.99)), "", ""]
        )
    rows[-1][-1] = f"{answers.errors} of {len(answers.seconds):,}"
    return rows


def _autoscaled(client: Client, image: str) -> str:
    """When the app had how many ready replicas."""
    host = _deploy(
        client,
        image,
        "scaled",
        enable_autoscaling=True,
        min_replicas=1,
        max_replicas=4,
        target_cpu=50,
        cpu_request="100m",
    )
    stopped = threading.Event()
    seen: list[tuple[float, int]] = []
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(_load, client.cloud, host, stopped.is_set)
        began = time.monotonic()
        while (now := time.monotonic() - began) < _AUTOSCALED_SECONDS and (not seen or seen[-1][1] < 4):
            state = client.http.get("/api/v1/apps/default/scaled").json()
            ready = state["replicas"]["ready"]
            if not seen or seen[-1][1] != ready:
                seen.append((now, ready))
            time.sleep(0.5)
        stopped.set()
        answers = running.result()
    steps = ", ".join(f"{ready} at {at:.0f} s" for at, ready in seen)
    return f"{steps} ready; {answers.errors} of {len(answers.seconds):,} answers were errors"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
