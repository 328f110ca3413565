"""``python -m tests.benchmarks.chain [SOURCE] [--runs N]``: is a build slower than typing its tools by hand?

By hand is what a person does with one .py file: mypy, ``spin build`` with componentize-py itself, ``spin registry
login`` and ``push``, one after the other, in a folder with a spin.toml. The pipeline is POST /api/v1/build-and-push
until the task is done, over HTTP. Both use this machine's toolchain and push to the same registry of a one-machine
cloud, in turn, so that whatever else the machine does weighs on both.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
from builder.packages import package_index

from bench.page import machine
from bench.sources import COMPONENTIZE, HELLO, never_built
from local.cloud.options import CloudOptions
from local.cloud.places import BUILD, TOOLCHAIN, VENV_PYTHON, shared_root
from local.cloud.supervisor import Cloud
from tests.benchmarks.apps import INSTALLED, App
from tests.benchmarks.memory import Watch, runs_module
from tests.benchmarks.series import Series
from tests.support.client import spin_toml, zipped

WORKSPACE: Final = "benchmark"
_WAIT_SECONDS: Final = 20
"""How long an answer may be held back: as docs/building.md has it."""
_WAIT_IN_BURST: Final = 2
"""More callers wait than this machine runs functions at a time: none may hold its place for long."""
_BUSY: Final = frozenset((429, 502, 503, 504))
"""What API Gateway answers while there is no place for the function."""
_BUSY_SECONDS: Final = 0.2
"""After such an answer, if it does not say for how long."""
_POLL_SECONDS: Final = 0.02
"""Of a function that was deployed: its router answers 503 until it is up."""
Steps = dict[str, float]
"""Seconds by step, ``total`` among them."""


def by_hand(built: App, cloud: Cloud, number: int) -> Steps:
    """The tools, typed. Packages come out of uv's cache, as they do for whoever has built the app before."""
    toolchain = shared_root() / TOOLCHAIN
    spin = str(cloud.state / "bin" / "spin")
    repository = cloud.outputs["ImageRepository"]
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app")
        for path, content in built.folder().items():
            (app / path).parent.mkdir(parents=True, exist_ok=True)
            (app / path).write_bytes(content)
        environment = {
            **package_index.environment(),
            "PATH": f"{toolchain / 'bin'}:{cloud.state / 'bin'}:{VENV_PYTHON.parent}:/usr/bin:/bin",
            "VIRTUAL_ENV": str(toolchain),
            "HOME": folder,
            "UV_CACHE_DIR": str(BUILD / "benchmarks" / "uv-cache"),
            "MYPYPATH": INSTALLED,
        }
        password = cloud.registry_password_file.read_text()

        def run(*command: str, stdin: str = "", may_fail: bool = False) -> float:
            started = time.perf_counter()
            done = subprocess.run(
                command, cwd=app, env=environment, input=stdin, text=True, capture_output=True, check=False
            )
            if done.returncode and not may_fail:
                sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
            return time.perf_counter() - started

        host = repository.partition("/")[0]
        install = ("uv", "pip", "install", "--target", INSTALLED, "--python", str(toolchain / "bin" / "python"))
        installed = {"packages": run(*install, *built.packages)} if built.packages else {}
        steps = {
            **installed,
            # Plain mypy complains about the idiom of every Spin app (a class of the name that it imports).
            "mypy": run(str(toolchain / "bin" / "mypy"), "app.py", may_fail=True),
            "spin build": run(spin, "build"),
            "login": run(spin, "registry", "login", "--username=AWS", "--password-stdin", host, stdin=password),
            "push": run(spin, "registry", "push", f"{repository}:by-hand-{number}"),
        }
    return {**steps, "total": sum(steps.values())}


def one_file(source: Path) -> tuple[str, bytes]:
    """The source with a line that it has not had: the same one would not be built again."""
    return source.name, never_built(source)


def left_to_componentize_py(source: Path) -> tuple[str, bytes]:
    """An archive of the source that the lane declines, since it has a module that CPython's start would load."""
    _, content = one_file(source)
    files = {"app.py": content, "spin.toml": spin_toml(COMPONENTIZE), "sitecustomize.py": b""}
    return "app.zip", zipped(**files)


def pipeline(
    upload: tuple[str, bytes], cloud: Cloud, app_name: str, wait: int = _WAIT_SECONDS
) -> tuple[Steps, dict[str, Any]]:
    """Seconds by the builder's steps, ``total`` from the POST until the task is seen to be done; and the task."""
    workspace = {"workspace_id": WORKSPACE}
    with httpx.Client(base_url=cloud.url, timeout=600) as http:
        started = time.perf_counter()
        form = {**workspace, "app_name": app_name}
        created = _answer(lambda: http.post("/api/v1/build-and-push", files={"file": upload}, data=form))
        accepted = time.perf_counter() - started
        path, query = f"/api/v1/tasks/{created['task_id']}", {**workspace, "wait": str(wait)}
        task: dict[str, Any] = {"status": "pending"}
        while task["status"] not in {"done", "failed"}:
            task = _answer(lambda: http.get(path, params=query))
        seconds = time.perf_counter() - started
    if task["status"] == "failed":
        sys.exit(f"the build failed: {task['error']}")
    duration: Steps = dict(task["result"]["duration"])
    return {"accepted": accepted, **duration, "builder": duration["total"], "total": seconds}, task


def _answer(call: Callable[[], httpx.Response]) -> dict[str, Any]:
    """The answer's JSON; asked again, after a while, where there was no place for the function."""
    while (answer := call()).status_code in _BUSY:
        time.sleep(float(answer.headers.get("Retry-After", _BUSY_SECONDS)))
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def burst(uploads: list[tuple[str, bytes]], cloud: Cloud, way: str) -> float:
    """Seconds until the last of these builds, sent at once, is done; all of them have to go this way."""
    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(uploads)) as threads:
        jobs = [
            threads.submit(pipeline, upload, cloud, f"burst-{number}", _WAIT_IN_BURST)
            for number, upload in enumerate(uploads)
        ]
        tasks = [job.result()[1] for job in jobs]
    seconds = time.perf_counter() - started
    if {task["result"]["way"] for task in tasks} != {way}:
        sys.exit(f"a build did not go by the {way}")
    return seconds


def first_answer(image: str, cloud: Cloud, app_name: str) -> float:
    """Seconds from the POST of a deploy of a new app until its function answers."""
    with httpx.Client(base_url=cloud.url, timeout=60) as http:
        started = time.perf_counter()
        body = {"app_name": app_name, "namespace": "default", "image_ref": image}
        endpoint = http.post("/api/v1/deploy", json=body).raise_for_status().json()["endpoint"]
        while (answer := http.get("/", headers={"host": endpoint})).status_code == 503:
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - started
        answer.raise_for_status()
        http.delete(f"/api/v1/apps/default/{app_name}").raise_for_status()
        return seconds


def memory_of_a_build(source: Path, cloud: Cloud) -> float:
    """Most megabytes that all processes of one build have together."""
    with Watch(runs_module("builder")) as watch:
        pipeline(one_file(source), cloud, "memory")
    return watch.peak


def main() -> None:
    """Print both, run by run, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", type=Path, default=HELLO)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(f"machine: {machine()}, load {os.getloadavg()[0]:.1f}")  # noqa: T201
    totals: dict[str, list[float]] = {"by hand": [], "pipeline": []}
    with Cloud(CloudOptions(port=0)) as cloud:
        for number in range(options.runs):
            for name in totals:
                steps = (
                    by_hand(App("app", {"app.py": options.source.read_bytes()}), cloud, number)
                    if name == "by hand"
                    else pipeline(one_file(options.source), cloud, "benchmark")[0]
                )
                totals[name].append(steps["total"])
                shown = "  ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items())
                print(f"{name:8} {number}: {shown}", flush=True)  # noqa: T201
    for name, values in totals.items():
        print(f"{name:8} {Series(tuple(values))} s")  # noqa: T201


if __name__ == "__main__":
    main()
