"""``python -m tests.benchmarks.build_time [SOURCE] [--runs N]``: is a build slower than typing its tools by hand?

By hand is what a person does with one .py file: mypy, ``spin build``, ``spin registry login`` and ``push``, one after
the other, in a folder with a spin.toml. The pipeline is POST /api/v1/build-and-push until the task is done, over HTTP.
Both use this machine's toolchain and push to the same registry of a one-machine cloud, in turn, so that whatever else
the machine does weighs on both. Not part of `make test`: times depend on the machine, which is why it is named.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

from local.cloud.places import ROOT, TOOLCHAIN, shared_root
from local.cloud.supervisor import Cloud, CloudOptions

_HELLO: Final = ROOT / "examples" / "hello" / "app.py"
_POLL_SECONDS: Final = 0.25
"""As often as a client would: each question costs this machine's processors, which the build needs too."""
_MANIFEST: Final = """\
spin_manifest_version = 2
[application]
name = "by-hand"
[[trigger.http]]
route = "/..."
component = "by-hand"
[component.by-hand]
source = "app.wasm"
[component.by-hand.build]
command = "componentize-py -w spin-http componentize app -o app.wasm"
"""


def machine() -> str:
    """Processor, cores, memory, and how busy it is now."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown processor",
    )
    gibibytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{model}, {os.cpu_count()} cores, {gibibytes:.0f} GiB, load {os.getloadavg()[0]:.1f}"


def by_hand(source: Path, cloud: Cloud, number: int) -> dict[str, float]:
    """Seconds by step."""
    toolchain = shared_root() / TOOLCHAIN
    spin = str(cloud.state / "bin" / "spin")
    repository = cloud.outputs["ImageRepository"]
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app")
        app.mkdir()
        shutil.copyfile(source, app / "app.py")
        (app / "spin.toml").write_text(_MANIFEST)
        environment = {
            "PATH": f"{toolchain / 'bin'}:{cloud.state / 'bin'}:/usr/bin:/bin",
            "VIRTUAL_ENV": str(toolchain),
            "HOME": folder,
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
        steps = {
            # Plain mypy complains about the idiom of every Spin app (a class of the name that it imports).
            "mypy": run(str(toolchain / "bin" / "mypy"), "app.py", may_fail=True),
            "spin build": run(spin, "build"),
            "login": run(spin, "registry", "login", "--username=AWS", "--password-stdin", host, stdin=password),
            "push": run(spin, "registry", "push", f"{repository}:by-hand-{number}"),
        }
    return {**steps, "total": sum(steps.values())}


def pipeline(source: Path, cloud: Cloud, number: int) -> dict[str, float]:
    """Seconds by the builder's steps; ``total`` is from before the POST until the task is seen to be done."""
    # Each time another source: the same one would not be built again.
    content = source.read_bytes() + f"\n# run {number} of {time.time_ns()}\n".encode()
    with httpx.Client(base_url=cloud.url, timeout=60) as http:
        started = time.perf_counter()
        answer = http.post(
            "/api/v1/build-and-push",
            files={"file": (source.name, content)},
            data={"workspace_id": "benchmark", "app_name": "benchmark"},
        )
        task_id = answer.raise_for_status().json()["task_id"]
        while True:
            task: dict[str, Any] = http.get(f"/api/v1/tasks/{task_id}", params={"workspace_id": "benchmark"}).json()
            if task["status"] in {"done", "failed"}:
                break
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - started
    if task["status"] == "failed":
        sys.exit(f"the build failed: {task['error']}")
    duration: dict[str, float] = dict(task["result"]["duration"])
    return {**duration, "builder": duration["total"], "total": seconds}


def main() -> None:
    """Print both, run by run, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", type=Path, default=_HELLO)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(f"machine: {machine()}")  # noqa: T201
    totals: dict[str, list[float]] = {"by hand": [], "pipeline": []}
    with Cloud(CloudOptions(port=0)) as cloud:
        for number in range(1, options.runs + 1):
            for name, measure in (("by hand", by_hand), ("pipeline", pipeline)):
                steps = measure(options.source, cloud, number)
                totals[name].append(steps["total"])
                shown = "  ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items())
                print(f"{name:8} {number}: {shown}")  # noqa: T201
    for name, values in totals.items():
        print(f"{name:8} median of {len(values)}: {statistics.median(values):.2f} s")  # noqa: T201


if __name__ == "__main__":
    main()
