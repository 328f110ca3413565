"""The service beside a single-process server of the old kind: the same tools, registry, machine and builds at a time.

Both are asked for 1, 4, 16 and 64 builds in the same moment. Then the old server is killed while it builds. That the
service loses nothing when it is killed is another command's to show: `tests.chaos.power_cuts`.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import httpx

from bench.page import table
from bench.sources import COMPONENTIZE, HELLO, never_built
from local.aws.settings import DEFAULT_CONCURRENT_BUILDS
from local.cloud.options import CloudOptions
from local.cloud.places import ROOT, TOOLCHAIN, shared_root
from local.cloud.supervisor import Cloud
from tests.benchmarks.memory import below, megabytes
from tests.support.client import spin_toml

BURSTS: Final = (1, 4, 16, 64)
_POLL_SECONDS: Final = 0.1
_CLIENTS: Final = 8


@dataclass(frozen=True, slots=True)
class Way:
    """How to send a source, and how to ask what became of a task: its id, and its status."""

    submit: Callable[[httpx.Client, bytes], str]
    status: Callable[[httpx.Client, str], str]
    url: str


def measure(bursts: tuple[int, ...] = BURSTS) -> str:
    """Return the section of the page."""
    rows = []
    with Cloud(CloudOptions(port=0, cluster=False)) as cloud, _old_server(cloud) as (url, pid):
        ways = {"this service": _service(cloud.url), "the old way": _old(url)}
        for way in ways.values():
            _burst(way, 1)
        for count in bursts:
            for name, way in ways.items():
                first, last, failed = _burst(way, count)
                rows.append([f"{count} at once", name, f"{first:.1f} s", f"{last:.1f} s", str(failed)])
        memory = megabytes(pid)
        lost = _lost_by_the_old(ways["the old way"], pid)
    found = table(("builds", "", "the first is done", "the last", "failed"), rows)
    return (
        f"{found}\n\nThe old server holds {memory:.0f} MB while idle. Killed while it works on 4 builds, it lost "
        f"{lost} of them: its next start knows no such task. This service loses none: "
        "`python -m tests.chaos.power_cuts` kills all of it at random moments under load, and every task that was "
        "answered for ends."
    )


def _service(url: str) -> Way:
    workspace = {"workspace_id": "old-way"}

    def submit(http: httpx.Client, source: bytes) -> str:
        answer = http.post("/api/v1/build-and-push", files={"file": ("app.py", source)}, data=workspace)
        return str(answer.raise_for_status().json()["task_id"])

    def status(http: httpx.Client, task_id: str) -> str:
        answer = http.get(f"/api/v1/tasks/{task_id}", params=workspace)
        return str(answer.raise_for_status().json()["status"])

    return Way(submit, status, url)


def _old(url: str) -> Way:
    return Way(
        lambda http, source: str(http.post("/build", content=source).raise_for_status().json()["task_id"]),
        lambda http, task_id: str(http.get(f"/tasks/{task_id}").raise_for_status().json()["status"]),
        url,
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


def _burst(way: Way, count: int) -> tuple[float, float, int]:
    """Seconds until the first and the last of so many builds are done, and how many failed."""
    sources = [never_built() for _ in range(count)]
    with httpx.Client(base_url=way.url, timeout=120) as http:
        began = time.monotonic()
        with ThreadPoolExecutor(_CLIENTS) as threads:
            pending = set(threads.map(lambda source: way.submit(http, source), sources))
        ends: list[float] = []
        failed = 0
        while pending:
            for task_id in list(pending):
                if (status := way.status(http, task_id)) in {"done", "failed"}:
                    pending.discard(task_id)
                    failed += status == "failed"
                    ends.append(time.monotonic() - began)
            time.sleep(_POLL_SECONDS)
    return ends[0], ends[-1], failed


def _lost_by_the_old(way: Way, pid: int) -> int:
    """Kill the server while it builds; return how many of 4 tasks nobody knows any more: those that were not done."""
    with httpx.Client(base_url=way.url, timeout=120) as http:
        tasks = [way.submit(http, HELLO.read_bytes()) for _ in range(4)]
        statuses = [way.status(http, task_id) for task_id in tasks]
    for child in reversed(below(lambda one: one == pid)):
        with contextlib.suppress(ProcessLookupError):
            subprocess.run(["kill", "-9", str(child)], check=False)
    return sum(status != "done" for status in statuses)
