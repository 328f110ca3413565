"""``python -m conformance.wheel``: from the wheel of `blue` to a function that answers, on a fresh machine.

Nothing of this checkout is used but the wheel: no cache, no environment, no npm, no make. Writes what it saw, and how
long it took, into docs/conformance.md.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from cli.wheel import build
from conformance.report import record
from conformance.wheel.machine import Machine, StepFailedError
from local.cloud.processes import free_port

_ANSWER = "Hello from hello!\n"


def main() -> int:
    """Run the part; returns its exit status."""
    with tempfile.TemporaryDirectory(prefix="blue-faas-fresh-", dir="/var/tmp") as folder:  # on a disk
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir()
        try:
            facts = _try(home)
        except StepFailedError as failed:
            print(failed, file=sys.stderr)
            return 1
    for name, value in facts.items():
        print(f"{name}: {value}")
    record("wheel", facts)
    return 0


def _try(home: Path) -> dict[str, str]:
    load = os.getloadavg()[0]
    wheel = build(home)
    machine = Machine(home, wheel)
    port = free_port()
    before = _processor_seconds()
    with machine.up(port) as until_ready:
        began = time.monotonic()
        answer = _deploy(machine, port)
        until_answer = time.monotonic() - began
    used = _processor_seconds() - before
    with machine.up(port) as again:
        pass
    return {
        "the wheel": f"{wheel.stat().st_size / 1e6:.1f} MB",
        "`blue up`, the first time, until it is ready": f"{until_ready:.1f} s",
        "`blue init hello && cd hello && blue deploy`, until the function has answered": f"{until_answer:.1f} s",
        "together": f"{until_ready + until_answer:.1f} s",
        "processor time of all that": f"{used:.0f} s",
        "answer": answer.strip(),
        "`blue up`, the second time": f"{again:.1f} s",
        "on disk": machine.size(),
        "load when it began": f"{load:.1f}",
    }


def _processor_seconds() -> float:
    """Return what the processes that have ended took: unlike the clock, it is the same on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _deploy(machine: Machine, port: int) -> str:
    where = ("--url", f"http://127.0.0.1:{port}")
    machine.run("blue", "init", "hello")
    machine.run("blue", "deploy", *where, folder="hello")
    answer = machine.run("blue", "invoke", *where, "hello", folder="hello")
    if answer != _ANSWER:
        raise StepFailedError(f"the function answers {answer!r}")
    return answer


if __name__ == "__main__":
    sys.exit(main())
