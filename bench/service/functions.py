"""Deployed functions: first answer, requests a second, an update under load, the autoscaler."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from bench import charts
from bench.page import table
from bench.run import Run
from bench.service.load import Answers, percentile, rates, send
from bench.sources import never_built
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.benchmarks.chain import first_answer
from tests.benchmarks.series import Series
from tests.support.client import Client

_SECONDS: Final = 7.0
_CLIENTS: Final = 8
_REPLICAS: Final = 3
_MOST_REPLICAS: Final = 4
_STEP_SECONDS: Final = 5.0
"""Between the first requests of one client and of the next, where the load rises."""
_AUTOSCALED_SECONDS: Final = 90.0
_BUSY: Final = b"""
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {}, str(sum(n * n for n in range(20_000))).encode())
"""


def measure(run: Run) -> str:
    """Return the section of the page."""
    with Cloud(CloudOptions(port=0)) as cloud:
        client = Client(cloud)
        images = [_image(client, never_built()) for _ in range(run.runs + 1)]
        firsts = Series(
            tuple(1000 * first_answer(image, cloud, f"first-{number}") for number, image in enumerate(images[:-1]))
        )
        rows = [[f"deploy of a new component to its first answer ({run.runs} times)", f"{firsts} ms", "", "", ""]]
        for replicas in (1, _REPLICAS):
            host = _deploy(client, images[0], "steady", enable_autoscaling=False, replicas=replicas)
            rows.append(
                [f"{replicas} replica{'s' * (replicas > 1)}, {_CLIENTS} clients", *_told(_load(cloud, host), run.runs)]
            )
        updated = _update(client, images, run.runs)
        rows += _update_rows(updated)
        scaled = _autoscaled(client, _image(client, _BUSY))
    return "\n\n".join(
        (
            table(("", "median", "99 %", "a second", "errors"), rows),
            _update_picture(updated, run),
            f"The autoscaler, of an app that was not there, 1 to {_MOST_REPLICAS} replicas at 50 % of 100m CPU; every "
            f"{_STEP_SECONDS:.0f} s one more client, up to {_CLIENTS}: {scaled.told()}.",
            _scaling_picture(scaled, run),
        )
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


def _load(cloud: Cloud, host: str, until: Callable[[], bool] | None = None, rise_seconds: float = 0.0) -> Answers:
    ends = time.monotonic() + _SECONDS
    return asyncio.run(
        send(
            cloud.url,
            _CLIENTS,
            lambda http, _: http.get("/", headers={"host": host}),  # type: ignore[arg-type,return-value]
            until=until or (lambda: time.monotonic() > ends),
            rise_seconds=rise_seconds,
        )
    )


def _told(answers: Answers, parts: int) -> list[str]:
    return [
        _ms(answers.percentile(0.5)),
        _ms(answers.percentile(0.99)),
        str(Series(tuple(rates(answers, parts)))),
        f"{answers.errors} of {len(answers.seconds):,}",
    ]


@dataclass(frozen=True, slots=True)
class Updates:
    """Answers while a component took another's place, again and again; seconds on ``time.monotonic``."""

    answers: Answers
    spans: Sequence[tuple[float, float]]
    """From each deploy until it was rolled out."""

    def parts(self) -> dict[str, list[float]]:
        """Return seconds of the answers before, during and after the updates."""
        between = self.answers.between
        during = [seconds for begin, end in self.spans for seconds in between(begin, end)]
        first, last = self.spans[0][0], self.spans[-1][1]
        return {"before": between(0.0, first), "during": during, "after": between(last, math.inf)}


def _update(client: Client, images: Sequence[str], times: int) -> Updates:
    """Roll out one component after the other while clients call the app."""
    host = _deploy(client, images[0], "steady", enable_autoscaling=False, replicas=_REPLICAS)
    stopped = threading.Event()
    spans = []
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(_load, client.cloud, host, stopped.is_set)
        time.sleep(_SECONDS / 2)
        for number in range(1, times + 1):
            began = time.monotonic()
            _deploy(client, images[number], "steady", enable_autoscaling=False, replicas=_REPLICAS)
            spans.append((began, time.monotonic()))
        time.sleep(_SECONDS / 2)
        stopped.set()
        return Updates(running.result(), spans)


def _update_rows(found: Updates) -> list[list[str]]:
    rows = [
        [f"update of {_REPLICAS} replicas: {name}", _ms(percentile(part, 0.5)), _ms(percentile(part, 0.99)), "", ""]
        for name, part in found.parts().items()
    ]
    rows[-1][-1] = f"{found.answers.errors} of {len(found.answers.seconds):,}"
    took = Series(tuple(end - begin for begin, end in found.spans))
    return [*rows, [f"such an update, until it is rolled out ({len(found.spans)} times)", f"{took} s", "", "", ""]]


def _update_picture(found: Updates, run: Run) -> str:
    parts = found.parts()
    series = {
        name: [1000 * percentile(part, share) for part in parts.values()]
        for name, share in (("median", 0.5), ("99 %", 0.99))
    }
    title = f"Milliseconds until the answer: an update of {_REPLICAS} replicas"
    says = f"{title}. 99 %: " + ", ".join(
        f"{name} {value:.0f} ms" for name, value in zip(parts, series["99 %"], strict=True)
    )
    return run.figure("update", says, charts.bars(title, list(parts), series))


@dataclass(frozen=True, slots=True)
class Scaling:
    """Replicas that were ready, by seconds since the first request."""

    ready: Sequence[tuple[float, int]]
    answers: Answers

    def told(self) -> str:
        """Tell when there were how many."""
        steps = ", ".join(f"{ready} at {at:.0f} s" for at, ready in self.ready)
        return f"{steps} ready; {self.answers.errors} of {len(self.answers.seconds):,} answers were errors"


def _autoscaled(client: Client, image: str) -> Scaling:
    """Deploy an app that was not there, and call it more and more."""
    scaling = {"min_replicas": 1, "max_replicas": _MOST_REPLICAS, "target_cpu": 50, "cpu_request": "100m"}
    host = _deploy(client, image, "scaled", enable_autoscaling=True, **scaling)
    stopped = threading.Event()
    seen: list[tuple[float, int]] = []
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(_load, client.cloud, host, stopped.is_set, _STEP_SECONDS)
        began = time.monotonic()
        while (now := time.monotonic() - began) < _AUTOSCALED_SECONDS and (not seen or seen[-1][1] < _MOST_REPLICAS):
            ready = client.http.get("/api/v1/apps/default/scaled").json()["replicas"]["ready"]
            if not seen or seen[-1][1] != ready:
                seen.append((now, ready))
            time.sleep(0.5)
        stopped.set()
        return Scaling(seen, running.result())


def _scaling_picture(found: Scaling, run: Run) -> str:
    steps: list[tuple[float, float]] = [(0.0, found.ready[0][1])]
    for at, ready in found.ready:
        steps += [(at, steps[-1][1]), (at, ready)]
    end = found.ready[-1][0]
    clients = [(place * _STEP_SECONDS, float(place + step)) for place in range(_CLIENTS) for step in (0, 1)]
    series = {"clients": [point for point in clients if point[0] <= end], "replicas that are ready": steps}
    title = "The autoscaler under a load that rises"
    chart = charts.lines(title, series, x_title="seconds", include_x_axis=True, dots_size=1)
    return run.figure("autoscaler", f"{title}: {found.told()}", chart)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
