"""``python -m tests.benchmarks.componentize [APP_FOLDER] [--runs N]``: the fast lane beside componentize-py.

Both make a component of one folder (its module is ``app``), in turn, so that what else the machine does weighs on both.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fast_lane.installation import Installation

from bench.page import machine
from bench.sources import HELLO
from conformance.lane.build import remove_bytecode
from local.cloud.places import TOOLCHAIN, shared_root
from tests.benchmarks.series import Series

_COMMAND: Final = ("-q", "-w", "spin-http", "componentize", "app", "-o", "app.wasm")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took."""

    wall: float
    cpu: float
    memory: float
    """Most that a process of it had resident, MB."""
    size: float
    """MB."""


def toolchain() -> Installation:
    """The one that `make setup` prepares."""
    return Installation(shared_root() / TOOLCHAIN)


def both(files: Mapping[str, bytes], environment: Path, runs: int) -> dict[str, dict[str, Series]]:
    """Costs by way (``fast lane``, ``full build``) and kind (``wall``, ``cpu``, ``memory``, ``size``)."""
    commands = {"fast lane": toolchain().command, "full build": toolchain().real}
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            costs[name].append(run(command, files, environment))
    return {
        name: {kind: Series(tuple(getattr(cost, kind) for cost in values)) for kind in Cost.__slots__}
        for name, values in costs.items()
    }


def run(command: Path, files: Mapping[str, bytes], virtual_environment: Path) -> Cost:
    """Make a component."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        remove_bytecode(virtual_environment)
        environment = {
            "PATH": os.environ["PATH"],
            "VIRTUAL_ENV": str(virtual_environment),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        started = time.perf_counter()
        process = subprocess.Popen([command, *_COMMAND], cwd=folder, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"{command} failed")
        size = (folder / "app.wasm").stat().st_size
        return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, size / 1e6)


def main() -> None:
    """Print both, and how they compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("app", nargs="?", type=Path, default=HELLO.parent)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    files = {str(path.relative_to(options.app)): path.read_bytes() for path in options.app.rglob("*.py")}
    print(f"machine: {machine()}, load {os.getloadavg()[0]:.1f}")  # noqa: T201
    costs = both(files, toolchain().toolchain, options.runs)
    for kind in Cost.__slots__:
        fast, full = (costs[name][kind] for name in ("fast lane", "full build"))
        print(f"{kind:7} fast lane {fast}   full build {full}   ratio {fast.median / full.median:.3f}")  # noqa: T201


if __name__ == "__main__":
    main()
