"""``python -m tests.benchmarks [--runs N] [--burst N]``: everything that a build may cost, in one run.

Medians, with the lowest and the highest run; both ways in turn, so that what else the machine does weighs on both. Not
part of `make test`: times depend on the machine, which is why it is named. On a quiet one about eight minutes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fast_lane.installation import FOLDER

from bench.page import machine
from bench.run import FULL
from bench.sources import HELLO
from conformance.lane import corpus
from conformance.lane.build import environment_with
from local.cloud.options import CloudOptions
from local.cloud.places import ROOT
from local.cloud.supervisor import Cloud
from tests.benchmarks import chain, componentize, marks
from tests.benchmarks.apps import hello
from tests.benchmarks.marks import Mark
from tests.benchmarks.series import Series


def main() -> int:
    """Print and write the table; 1 when a mark is not held."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=FULL, help="with fewer, nothing is written")
    parser.add_argument("--burst", type=int, default=16)
    parser.add_argument("--only", choices=("components", "chain", "setup"), help="this part alone; nothing is written")
    options = parser.parse_args()
    started, load = time.monotonic(), os.getloadavg()[0]
    print(f"{machine()}, load {load:.1f}", flush=True)  # noqa: T201
    report = _Report()
    if options.only in {None, "components"}:
        _components(report, options.runs)
    if options.only in {None, "chain"}:
        _chain(report, options.runs, options.burst)
    if options.only in {None, "setup"}:
        report.add(Mark("setup: making the base", "s", _setup(), 25))
    if options.only is None and options.runs >= FULL:
        marks.write(report.found, load, time.monotonic() - started, report.details)
    return int(not all(mark.is_held for mark in report.found))


class _Report:
    """What was found so far. Each row is printed at once: what ends the run early leaves the rest to be read."""

    def __init__(self) -> None:
        self.found: list[Mark] = []
        self.details: list[str] = []

    def add(self, mark: Mark) -> None:
        if not self.found:
            print("\n".join(marks.HEAD))  # noqa: T201
        self.found.append(mark)
        print(marks.row(mark), flush=True)  # noqa: T201

    def tell(self, text: str) -> None:
        self.details.append(text)
        print(text, flush=True)  # noqa: T201


def _components(report: _Report, runs: int) -> None:
    packages = corpus.packages_case()
    apps = {
        "hello": ({"app.py": HELLO.read_bytes()}, componentize.toolchain().toolchain, 0.05),
        "eight packages": (packages.files, environment_with(packages.packages), 0.15),
    }
    for name, (files, environment, limit) in apps.items():
        costs = componentize.both(files, environment, runs)
        fast, full = costs["fast lane"], costs["full build"]
        for kind, what in (("wall", "time"), ("cpu", "processor time")):
            report.add(Mark(f"componentize, {name}: {what}", "s", fast[kind], limit, full[kind]))
        if name == "hello":
            report.add(Mark("app.wasm", "MB", fast["size"], 0.55, full["size"]))
        report.add(Mark(f"componentize, {name}: memory", "MB", fast["memory"], 400))


def _chain(report: _Report, runs: int, count: int) -> None:
    hand, first, changed, answers = [], [], [], []
    steps: list[chain.Steps] = []
    with Cloud(CloudOptions(port=0)) as cloud:
        for number in range(runs):
            hand.append(chain.by_hand(hello(), cloud, number)["total"])
            new, task = chain.pipeline(chain.one_file(HELLO), cloud, f"hello-{number}")
            first.append(new["total"])
            steps.append(chain.pipeline(chain.one_file(HELLO), cloud, f"hello-{number}")[0])
            changed.append(steps[-1]["total"])
            if cloud.has_cluster:
                answers.append(chain.first_answer(task["result"]["image_url"], cloud, f"hello-{number}"))
        by_hand = Series(tuple(hand))
        report.add(Mark("POST to done, hello", "s", Series(tuple(first)), 0.22, by_hand))
        report.add(Mark("POST to done, one line changed", "s", Series(tuple(changed)), 0.22, by_hand))
        shown = ", ".join(f"{name} {Series(tuple(step[name] for step in steps))}" for name in steps[0])
        report.tell(f"Seconds by step of the builds with one line changed: {shown}.")
        if answers:
            report.add(Mark("deploy of a new app to its first answer", "s", Series(tuple(answers)), 1))
        memory = Series((chain.memory_of_a_build(HELLO, cloud),))
        report.add(Mark("memory of a build, all its processes", "MB", memory, 400))
        fast_burst = chain.burst([chain.one_file(HELLO) for _ in range(count)], cloud, "fast lane")
        full_burst = chain.burst([chain.left_to_componentize_py(HELLO) for _ in range(count)], cloud, "full build")
        name = f"{count} builds at once, to the last"
        report.add(Mark(name, "s", Series((fast_burst,)), 0.25, Series((full_burst,))))


def _setup() -> Series:
    """Seconds for the lane's part of `make setup`, in a copy of the toolchain."""
    toolchain = componentize.toolchain().toolchain
    with tempfile.TemporaryDirectory(dir=toolchain.parent) as name:
        copy = Path(name, "toolchain")
        shutil.copytree(toolchain, copy, symlinks=True, ignore=lambda _, names: {FOLDER} & set(names))
        started = time.perf_counter()
        subprocess.run(
            [copy / "bin" / "python", "-m", "fast_lane.install", copy],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "builder_image")},
            check=True,
        )
        return Series((time.perf_counter() - started,))


if __name__ == "__main__":
    sys.exit(main())
