"""The service beside a single-process server of the old kind: the same tools, registry, machine and builds at a time.

Both are asked for 1, 4, 16 and 64 builds in the same moment. Then both are killed while they build, and started again.
"""

import collections
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from bench import charts
from bench.page import table
from bench.run import FULL, Run
from bench.sources import COMPONENTIZE, never_built
from local.aws.settings import DEFAULT_CONCURRENT_BUILDS
from local.cloud.options import CloudOptions
from local.cloud.places import ROOT, TOOLCHAIN, shared_root, state_root
from local.cloud.supervisor import Cloud
from tests.benchmarks.memory import Watch, below, megabytes
from tests.benchmarks.series import Series
from tests.chaos.power_cuts import CloudProcess, kill_tree
from tests.support.client import ENDED, Client, spin_toml

BURSTS: Final = {1: FULL, 4: 3, 16: 1, 64: 1}
"""How many builds at once, and how often: the old way takes ten minutes for the last."""
_POLL_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 0.5
"""Between two looks at the memory of all processes."""
_CLIENTS: Final = 8
_KILLED: Final = 4
_PATIENCE_SECONDS: Final = 120
_NEW: Final = "this service"
_OLD: Final = "the old way"
_WORKSPACE: Final = "old-way"


@dataclass(frozen=True, slots=True)
class Way:
    """How to send a source, and how to ask what became of a task: its id, and its status."""

    submit: Callable[[httpx.Client, bytes], str]
    status: Callable[[httpx.Client, str], str]
    url: str
    is_root: Callable[[int], bool]
    """Whether a process, with all below it, is this way's."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What became of builds sent at once: seconds until each was done, failures, most megabytes above idle."""

    ends: tuple[float, ...]
    failed: int
    memory: float


def measure(run: Run) -> str:
    """Return the section of the page."""
    bursts = {1: run.runs, 4: run.runs} if run.is_trial else BURSTS
    found: dict[tuple[int, str], list[Burst]] = defaultdict(list)
    with Cloud(CloudOptions(port=0, cluster=False)) as cloud, _old_server(cloud) as (url, pid):
        me = os.getpid()
        ways = {_NEW: _service(cloud.url, lambda one: _parent(one) == me and one != pid)}
        ways[_OLD] = _old(url, lambda one: one == pid)
        for way in ways.values():
            _burst(way, 1)
        for count, times in bursts.items():
            for _ in range(times):
                for name, way in ways.items():
                    found[count, name].append(_burst(way, count))
        lost = _lost_by_the_old(ways[_OLD], pid)
    return f"{_table(found, bursts)}\n\n{_picture(found, bursts, run)}\n\n{lost} {_lost_by_the_service()}"


def _table(found: Mapping[tuple[int, str], Sequence[Burst]], bursts: Mapping[int, int]) -> str:
    rows = []
    for count, times in bursts.items():
        lasts = {name: _last(found[count, name]) for name in (_NEW, _OLD)}
        for name, last in lasts.items():
            each = found[count, name]
            first = Series(tuple(burst.ends[0] for burst in each))
            ratio = f"{last.median / lasts[_OLD].median:.3f}" if name == _NEW else ""
            failed, memory = sum(burst.failed for burst in each), max(burst.memory for burst in each)
            runs = [f"{count} at once, {times} time{'s' * (times > 1)}", name]
            rows.append([*runs, f"{first} s", f"{last} s", ratio, str(failed), f"{memory:.0f} MB"])
    return table(("builds", "", "the first is done", "the last", "ratio", "failed", "memory above idle, at most"), rows)


def _picture(found: Mapping[tuple[int, str], Sequence[Burst]], bursts: Mapping[int, int], run: Run) -> str:
    most = max(bursts)
    series = {name: [(end, done) for done, end in enumerate(found[most, name][-1].ends, 1)] for name in (_OLD, _NEW)}
    title = f"{most} builds sent at once: done after so many seconds"
    says = f"{title}. The last: " + ", ".join(f"{name} {points[-1][0]:.0f} s" for name, points in series.items())
    return run.figure("old-way", says, charts.lines(title, series, x_title="seconds", include_x_axis=True))


def _last(bursts: Sequence[Burst]) -> Series:
    return Series(tuple(burst.ends[-1] for burst in bursts))


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])


def _service(url: str, is_root: Callable[[int], bool]) -> Way:
    workspace = {"workspace_id": _WORKSPACE}

    def submit(http: httpx.Client, source: bytes) -> str:
        answer = http.post("/api/v1/build-and-push", files={"file": ("app.py", source)}, data=workspace)
        return str(answer.raise_for_status().json()["task_id"])

    def status(http: httpx.Client, task_id: str) -> str:
        answer = http.get(f"/api/v1/tasks/{task_id}", params=workspace)
        return str(answer.raise_for_status().json()["status"])

    return Way(submit, status, url, is_root)


def _old(url: str, is_root: Callable[[int], bool]) -> Way:
    return Way(
        lambda http, source: str(http.post("/build", content=source).raise_for_status().json()["task_id"]),
        lambda http, task_id: str(http.get(f"/tasks/{task_id}").raise_for_status().json()["status"]),
        url,
        is_root,
    )


@contextlib.contextmanager
def _old_server(cloud: Cloud) -> Iterator[tuple[str, int]]:
    """Run the old server beside the cloud, with its toolchain and registry; give its address and process."""
    toolchain = shared_root() / TOOLCHAIN
    settings: dict[str, Any] = {
        "concurrent": DEFAULT_CONCURRENT_BUILDS,
        "manifest": spin_toml(COMPONENTIZE).decode(),
        "toolchain": str(toolchain),
        "componentize": str(toolchain / "bin"),
        "tools": str(cloud.state / "bin"),
        "spin": str(cloud.state / "bin" / "spin"),
        "repository": cloud.outputs["ImageRepository"],
        "password_file": str(cloud.registry_password_file),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(settings, file)
        file.flush()
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.service.old_server", file.name], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None  # noqa: S101 - asked for
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process.pid
        finally:
            process.kill()
            process.wait()


def _burst(way: Way, count: int) -> Burst:
    """Send so many builds at once, and watch them."""
    sources = [never_built() for _ in range(count)]
    idle = sum(map(megabytes, below(way.is_root)))
    ends: list[float] = []
    failed = 0
    with httpx.Client(base_url=way.url, timeout=120) as http, Watch(way.is_root, _LOOK_SECONDS) as watch:
        began = time.monotonic()
        with ThreadPoolExecutor(_CLIENTS) as threads:
            pending = set(threads.map(lambda source: way.submit(http, source), sources))
        while pending:
            for task_id in list(pending):
                if (status := way.status(http, task_id)) in ENDED:
                    pending.discard(task_id)
                    failed += status == "failed"
                    ends.append(time.monotonic() - began)
            time.sleep(_POLL_SECONDS)
    return Burst(tuple(ends), failed, max(0.0, watch.peak - idle))


def _lost_by_the_old(way: Way, pid: int) -> str:
    """Kill the server while it builds, and tell what nobody knows any more: what it knows is in its memory."""
    with httpx.Client(base_url=way.url, timeout=120) as http:
        tasks = [way.submit(http, never_built()) for _ in range(_KILLED)]
        time.sleep(1)
        done = sum(way.status(http, task_id) == "done" for task_id in tasks)
    kill_tree(pid)
    return (
        f"Killed while it worked on {_KILLED} builds, the old server lost {_KILLED - done} of them, and what it knew "
        "of all others."
    )


def _lost_by_the_service() -> str:
    """Kill the service, a cloud of its own, while it builds; start it again, and tell what became of the tasks."""
    folder = state_root() / f"old-way-{os.getpid()}"
    try:
        cloud = CloudProcess(folder)
        client = cloud.wait_ready()
        try:
            tasks = [client.start("app.py", never_built(), workspace_id=_WORKSPACE) for _ in range(_KILLED)]
            time.sleep(1)
        finally:
            cloud.cut()
        cloud = CloudProcess(folder)
        try:
            client, began = cloud.wait_ready(), time.monotonic()
            ended = collections.Counter(_end(client, task_id) for task_id in tasks)
            seconds = time.monotonic() - began
        finally:
            cloud.cut()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = ", ".join(f"{number} {status}" for status, number in sorted(ended.items()) if status != "lost")
    return (
        "All of this service killed in the same way, which is more than a loss of one of its parts on AWS, and started "
        f"again: {ended['lost']} of {_KILLED} tasks lost; {told}, and their callers are told so, {seconds:.0f} s after "
        "the start. `python -m tests.chaos.power_cuts` does so at random moments."
    )


def _end(client: Client, task_id: str) -> str:
    """Return how a task ended, or that it is not known; the reconciler runs more often than its schedule has it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = client.http.get(f"/api/v1/tasks/{task_id}", params={"workspace_id": _WORKSPACE, "wait": 5})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return "lost"
        if answer.is_success and (status := str(answer.json()["status"])) in ENDED:
            return status
        client.aws("lambda").invoke(FunctionName=client.outputs["ReconcileFunction"])
    return "still running"
