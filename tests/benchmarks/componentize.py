"""``python -m tests.benchmarks.componentize [APP_FOLDER] [--runs N]``: the fast lane beside componentize-py.

Both make a component of one folder (its module is ``app``), in turn, so that what else the machine does weighs on both.
Not part of `make test`: times depend on the machine, which is why it is named.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fast_lane.installation import Installation

from local.cloud.places import ROOT, TOOLCHAIN, shared_root
from tests.benchmarks.build_time import machine

_HELLO: Final = ROOT / "examples" / "hello"
_COMMAND: Final = ("-q", "-w", "spin-http", "componentize", "app", "-o", "app.wasm")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took."""

    wall: float
    cpu: float
    bytes: int


def run(command: Path, app: Path) -> Cost:
    """Make a component."""
    with tempfile.TemporaryDirectory() as parent:
        folder = shutil.copytree(app, Path(parent, "app"))
        environment = {"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(shared_root() / TOOLCHAIN)}
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([command, *_COMMAND], cwd=folder, env=environment, check=True)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(wall, cpu, (folder / "app.wasm").stat().st_size)


def main() -> None:
    """Print both, and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("app", nargs="?", type=Path, default=_HELLO)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    installation = Installation(shared_root() / TOOLCHAIN)
    print(f"machine: {machine()}")  # noqa: T201
    costs: dict[str, list[Cost]] = {"fast lane": [], "full build": []}
    for _ in range(options.runs):
        costs["fast lane"].append(run(installation.command, options.app))
        costs["full build"].append(run(installation.real, options.app))
    medians = {}
    for name, values in costs.items():
        walls = sorted(value.wall for value in values)
        medians[name] = Cost(
            statistics.median(walls),
            statistics.median(value.cpu for value in values),
            values[0].bytes,
        )
        cost = medians[name]
        print(  # noqa: T201
            f"{name:10} {cost.wall:6.2f} s ({walls[0]:.2f} to {walls[-1]:.2f})  {cost.cpu:6.2f} s of processor time  "
            f"{cost.bytes / 1e6:.1f} MB"
        )
    fast, full = medians["fast lane"], medians["full build"]
    print(  # noqa: T201
        f"ratio      {fast.wall / full.wall:6.3f}    {fast.cpu / full.cpu:6.3f}    {fast.bytes / full.bytes:6.3f}    "
        f"(medians of {options.runs})"
    )


if __name__ == "__main__":
    main()
