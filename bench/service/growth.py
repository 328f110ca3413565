"""Whether anything grows: builds, deploys, a day of the reconciler, and what the cloud's processes hold after each.

The processes are this machine's stand-ins and the product's own code in them (its Lambda functions live as long as the
cloud). Rows, objects and images grow with the builds, as they must, and so does what the emulator's process knows of
them. What must not grow are the workers of the functions, open files, processes, log groups and rules.
"""

import itertools
import os
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench import charts
from bench.page import table
from bench.run import Run
from bench.sources import HELLO, never_built
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.benchmarks.memory import below, megabytes
from tests.support.client import Client

PARTS: Final = 5
RECONCILER_RUNS: Final = 288
"""One every five minutes for 24 hours."""
_AT_ONCE: Final = 8
_IDLE_SECONDS: Final = 3

KINDS: Final = ("processes", "open files", "workers", "MB of workers", "MB of all", "log groups", "rules", "rows")
MOST_SLOPES: Final = {
    "processes": 0.5,
    "open files": 2,
    "workers": 0.5,
    "MB of workers": 1,
    "log groups": 0,
    "rules": 0,
}
"""What is flat grows by no more than this with 100 builds, deploys or runs. The rest grows, as it must."""
Samples = list[tuple[int, list[float]]]
"""How many of something there were, and what was held then, by `KINDS`."""


def measure(run: Run) -> str:
    """Return the section of the page."""
    builds, deploys, wakes = run.often(500, PARTS * _AT_ONCE), run.often(500, 20), run.often(RECONCILER_RUNS, 20)
    with Cloud(CloudOptions(port=0)) as cloud:
        client = Client(cloud)
        for _ in range(2):
            _build(client)  # so many at once, here and below, that every worker there will be is there
        image = client.image(client.start("app.py", HELLO.read_bytes()))
        client.deploy(namespace="default", app_name="growth", image_ref=image, wait=True).raise_for_status()
        number = itertools.count()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(client.http.get, ["/api/v1/apps/default/growth"] * _AT_ONCE))
        _wake(client)
        samples = {
            "builds": _sampled(client, builds, _AT_ONCE, lambda: _build(client)),
            "deploys": _sampled(client, deploys, 1, lambda: _deploy(client, image, next(number))),
            "runs of the reconciler": _sampled(client, wakes, 1, lambda: _wake(client)),
        }
    return "\n\n".join(
        (
            _held_table(samples),
            "Slopes, by least squares, from the first fifth on, in which caches fill:",
            _slopes(samples),
            _picture(samples, run),
        )
    )


def _sampled(client: Client, number: int, at_once: int, act: Callable[[], None]) -> Samples:
    """Do something so many times; look in between."""
    samples = [(0, _held(client))]
    done = 0
    for part in range(1, PARTS + 1):
        while done < number * part / PARTS:
            act()
            done += at_once
        samples.append((done, _held(client)))
    return samples


def _held_table(samples: Mapping[str, Samples]) -> str:
    rows = [
        [f"after {done} {what}", *(f"{value:.0f}" for value in held)]
        for what, each in samples.items()
        for done, held in each
    ]
    return table(("", *KINDS), rows)


def _slopes(samples: Mapping[str, Samples]) -> str:
    rows = []
    for what, each in samples.items():
        done = [count / 100 for count, _ in each[1:]]
        cells = []
        for number, kind in enumerate(KINDS):
            slope = statistics.linear_regression(done, [held[number] for _, held in each[1:]]).slope
            over = kind in MOST_SLOPES and slope > MOST_SLOPES[kind]
            cells.append(f"**{slope:+.2f}**" if over else f"{slope:+.2f}")
        rows.append([f"each 100 {what}", *cells])
    rows.append(["at most", *(f"{MOST_SLOPES[kind]:g}" if kind in MOST_SLOPES else "" for kind in KINDS)])
    return table(("", *KINDS), rows)


def _picture(samples: Mapping[str, Samples], run: Run) -> str:
    shown = ("MB of workers", "open files", "processes")
    series: dict[str, list[tuple[float, float]]] = {kind: [] for kind in shown}
    before = 0
    for each in samples.values():
        for done, held in each:
            for kind in shown:
                series[kind].append((before + done, held[KINDS.index(kind)]))
        before += each[-1][0]
    title = ", then ".join(f"{each[-1][0]} {what}" for what, each in samples.items())
    ends = ", ".join(
        f"{kind} {points[0][1]:.0f} at the beginning, {points[-1][1]:.0f} at the end" for kind, points in series.items()
    )
    return run.figure("growth", f"{title}: {ends}", charts.lines(title, series, include_x_axis=True))


def _deploy(client: Client, image: str, number: int) -> None:
    """Update the app."""
    body = {"app_name": "growth", "namespace": "default", "image_ref": image, "enable_autoscaling": False}
    client.deploy(**body, variables={"n": str(number)}).raise_for_status()


def _wake(client: Client) -> None:
    """Run the reconciler, as its schedule does."""
    client.aws("lambda").invoke(FunctionName=client.outputs["ReconcileFunction"])


def _build(client: Client) -> None:
    """Build a few sources that nobody has built before."""
    for task_id in [client.start("app.py", never_built()) for _ in range(_AT_ONCE)]:
        client.image(task_id)


def _held(client: Client) -> list[float]:
    """Return what the cloud holds once it is idle, by `KINDS`."""
    time.sleep(_IDLE_SECONDS)
    me = os.getpid()
    pids = [pid for pid in below(lambda pid: pid == me) if pid != me]
    workers = [pid for pid in pids if b"worker" in _command(pid)]
    return [
        len(pids),
        sum(map(_open_files, pids)),
        len(workers),
        sum(map(megabytes, workers)),
        sum(map(megabytes, pids)),
        len(client.aws("logs").describe_log_groups()["logGroups"]),
        len(client.aws("events").list_rules()["Rules"]),
        _rows(client),
    ]


def _rows(client: Client) -> int:
    """Count the rows of tasks, page by page."""
    pages = client.aws("dynamodb").get_paginator("scan").paginate(TableName=client.outputs["TaskTable"], Select="COUNT")
    return sum(page["Count"] for page in pages)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _open_files(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0
