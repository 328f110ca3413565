"""Size and import time of each bundle, as a table: ``python -m infra.tools.bundle_report``."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.tools.bundles import ALL, Bundle

_RUNS: Final = 7

_IMPORT: Final = """
import sys, time
sys.path.append(sys.argv[1])
begin, used = time.perf_counter(), time.process_time()
__import__(sys.argv[2])
print(time.perf_counter() - begin, time.process_time() - used)
print(*sorted(sys.modules))
"""


@dataclass(frozen=True, slots=True)
class Import:
    """What the import of a handler took."""

    seconds: float
    processor_seconds: float
    modules: list[str]
    """All that are loaded then, in alphabetical order."""


def report() -> str:
    """Return the table, with a line for each bundle and one for each of its handlers."""
    lines = [f"{'bundle':<24}{'files':>8}{'MB':>8}{'modules':>9}{'import ms':>11}{'CPU ms':>8}   (median of {_RUNS})"]
    for bundle in ALL:
        files = files_in(bundle.build())
        lines.append(f"{bundle.name:<24}{len(files):>8}{megabytes(files):>8.1f}")
        for handler in bundle.handlers:
            taken = measure(bundle, handler)
            times = f"{taken.seconds * 1000:>11.0f}{taken.processor_seconds * 1000:>8.0f}"
            lines.append(f"  {handler:<38}{len(taken.modules):>9}{times}")
    return "\n".join(lines)


def measure(bundle: Bundle, handler: str) -> Import:
    """Return what a fresh interpreter takes to import a handler: medians."""
    folder = bundle.build_for_this_interpreter()
    import_handler(folder, handler)  # writes the byte code, as Lambda's first start does
    runs = [import_handler(folder, handler) for _ in range(_RUNS)]
    return Import(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.processor_seconds for run in runs),
        runs[0].modules,
    )


def import_handler(folder: Path, handler: str) -> Import:
    """Import ``functions.HANDLER`` with nothing but the bundle and the standard library on the path.

    Raises
    ------
    subprocess.CalledProcessError
        The import fails; ``stderr`` says why.
    """
    # Powertools loads its tracer only if it thinks that it runs in Lambda.
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "AWS_LAMBDA_FUNCTION_NAME": handler,
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_REGION": "ap-northeast-2",
        "POWERTOOLS_SERVICE_NAME": handler,
        "POWERTOOLS_METRICS_NAMESPACE": "BlueFaas",
    }
    command = [sys.executable, "-I", "-S", "-c", _IMPORT, str(folder), f"functions.handlers.{handler}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environment)
    times, modules = done.stdout.strip().splitlines()[-2:]
    seconds, processor_seconds = map(float, times.split())
    return Import(seconds, processor_seconds, modules.split())


def megabytes(files: Iterable[Path]) -> float:
    """Return what these files take on disk."""
    return sum(path.stat().st_size for path in files) / 1e6


def files_in(folder: Path) -> list[Path]:
    """Return the bundle's files, without byte code left by a run."""
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


if __name__ == "__main__":
    print(report())  # noqa: T201  # the command's answer
