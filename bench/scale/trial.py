"""The simulation held against real builds: as many as asked for, sent to the one-machine cloud at once.

The machine has two places for builds and makes no machines, so the model has 2 places and no provisioning. What a build
takes is calibrated by a smaller burst of the same run: two builds at a time share the processors as they do later.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import httpx

from bench.scale.simulation import Installation, Simulation, Times
from bench.sources import never_built
from local.aws.settings import DEFAULT_CONCURRENT_BUILDS
from local.cloud.options import CloudOptions
from local.cloud.supervisor import Cloud

TOLERANCE: Final = 0.15
"""Of the time to the last build."""
_POLL_SECONDS: Final = 0.25
_CLIENTS: Final = 8


@dataclass(frozen=True, slots=True)
class Trial:
    """Seconds from the first POST to the end of each build, in order: of real builds, and of the simulated ones."""

    real: tuple[float, ...]
    simulated: tuple[float, ...]
    build_seconds: float

    @property
    def difference(self) -> float:
        """Of the last build's end: 0.1 is ten percent too late, or too early."""
        return abs(self.simulated[-1] - self.real[-1]) / self.real[-1]


def run(builds: int = 64, calibration: int = 12) -> Trial:
    """Build and simulate."""
    with Cloud(CloudOptions(port=0, cluster=False)) as cloud:
        _burst(cloud, 2)
        small = _burst(cloud, calibration)
        real = _burst(cloud, builds)
    # Ends come one by one from places that are always busy: a build takes one gap between ends for each place.
    build_seconds = (small[-1] - small[0]) / (calibration - 1) * DEFAULT_CONCURRENT_BUILDS
    first = max(0.0, small[0] - build_seconds)
    return Trial(tuple(real), tuple(_simulate(builds, build_seconds, first)), build_seconds)


def _burst(cloud: Cloud, count: int) -> list[float]:
    """Seconds at which each of so many builds, sent at once, was seen to be done."""
    workspace_id = f"trial-{count}"

    def post(_: int) -> str:
        with httpx.Client(base_url=cloud.url, timeout=120) as http:
            answer = http.post(
                "/api/v1/build-and-push", files={"file": ("app.py", never_built())}, data={"workspace_id": workspace_id}
            )
            return str(answer.raise_for_status().json()["task_id"])

    started = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as threads:
        open_tasks = set(threads.map(post, range(count)))
    ends: list[float] = []
    with httpx.Client(base_url=cloud.url, timeout=120) as http:
        while open_tasks:
            answer = (
                http.get(f"/api/v1/workspaces/{workspace_id}/tasks", params={"limit": "100"}).raise_for_status().json()
            )
            now = time.perf_counter() - started
            statuses = {task["task_id"]: task["status"] for task in answer["tasks"]}
            if "failed" in statuses.values():
                raise RuntimeError("a build failed: the trial says nothing")
            ended = {task_id for task_id in open_tasks if statuses.get(task_id) == "done"}
            ends += [now] * len(ended)
            open_tasks -= ended
            time.sleep(_POLL_SECONDS)
    return ends


def _simulate(builds: int, build_seconds: float, first: float) -> list[float]:
    times = Times(
        provisioning=lambda _: 0.0,
        building=lambda rng: build_seconds * rng.lognormvariate(-0.02, 0.2),
        around=first,
    )
    settings = Installation(
        places=DEFAULT_CONCURRENT_BUILDS,
        running_builds=builds,
        queued_seconds=3600,
        put_image_rate=1000,
        queue_factor=builds,  # this machine's CodeBuild queues whatever comes
    )
    outcomes = Simulation(settings, times).run((0.0, "trial") for _ in range(builds))
    return sorted(outcome.ended for outcome in outcomes if outcome.ended is not None)
