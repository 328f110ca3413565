"""Whether anything grows: builds, deploys, a day of the reconciler, and what the cloud's processes hold after each.

The processes are this machine's stand-ins and the product's own code in them (its Lambda functions live as long as the
cloud). Rows, objects and images grow with the builds, as they must; so does the emulator's memory, which holds them.
What must not grow are the workers of the functions, open files, processes, log groups and rules.
"""

import math
import os
import time
from pathlib import Path
from typing import Final

from bench.page import table
from bench.sources import HELLO, never_built
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud
from tests.benchmarks.memory import below, megabytes
from tests.support.client import Client

PARTS: Final = 5
RECONCILER_RUNS: Final = 288
"""One every five minutes for 24 hours."""
_AT_ONCE: Final = 8


def measure(builds: int = 500, deploys: int = 500) -> str:
    """Return the section of the page."""
    rows = []
    with Cloud(CloudOptions(port=0)) as cloud:
        client = Client(cloud)
        image = client.image(client.start("app.py", HELLO.read_bytes()))
        client.deploy(namespace="default", app_name="growth", image_ref=image, wait=True).raise_for_status()
        rows.append(["at the beginning", *_held(client)])
        batches = math.ceil(builds / PARTS / _AT_ONCE)
        for part in range(1, PARTS + 1):
            for _ in range(batches):
                _build(client)
            rows.append([f"after {part * batches * _AT_ONCE} builds", *_held(client)])
        for part in range(1, PARTS + 1):
            for number in range(deploys // PARTS):
                body = {
                    "app_name": "growth",
                    "namespace": "default",
                    "image_ref": image,
                    "variables": {"n": str(number)},
                    "enable_autoscaling": False,
                }
                client.deploy(**body).raise_for_status()
            rows.append([f"after {part * (deploys // PARTS)} deploys", *_held(client)])
        for _ in range(RECONCILER_RUNS):
            client.aws("lambda").invoke(FunctionName=client.outputs["ReconcileFunction"])
        rows.append([f"after {RECONCILER_RUNS} runs of the reconciler", *_held(client)])
    head = ("", "processes", "open files", "workers of functions", "all processes", "log groups", "rules", "rows")
    return table(head, rows)


def _build(client: Client) -> None:
    """Build a few sources that nobody has built before."""
    for task_id in [client.start("app.py", never_built()) for _ in range(_AT_ONCE)]:
        client.image(task_id)


def _held(client: Client) -> list[str]:
    """Return what the cloud holds once it is idle."""
    time.sleep(5)
    me = os.getpid()
    pids = [pid for pid in below(lambda pid: pid == me) if pid != me]
    workers = [pid for pid in pids if b"worker" in _command(pid)]
    groups = client.aws("logs").describe_log_groups()["logGroups"]
    rules = client.aws("events").list_rules()["Rules"]
    return [
        str(len(pids)),
        str(sum(map(_open_files, pids))),
        f"{len(workers)}: {sum(map(megabytes, workers)):.0f} MB",
        f"{sum(map(megabytes, pids)):.0f} MB",
        str(len(groups)),
        str(len(rules)),
        str(len(client.rows())),
    ]


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
