"""Size and import time of each bundle, as a table: ``python -m infra.tools.bundle_report``."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from infra.tools.bundles import ALL, Bundle

_RUNS: Final = 7

_IMPORT: Final = """
import sys, time
sys.path.append(sys.argv[1])
begin = time.perf_counter()
__import__(sys.argv[2])
print(time.perf_counter() - begin)
print(*sorted(sys.modules))
"""


def report() -> str:
    """Return the table, with a line for each bundle and one for each of its handlers."""
    lines = [f"{'bundle':<24}{'files':>8}{'MB':>8}{'modules':>9}{'import ms':>11}   (median of {_RUNS})"]
    for bundle in ALL:
        files = files_in(bundle.build())
        lines.append(f"{bundle.name:<24}{len(files):>8}{megabytes(files):>8.1f}")
        for handler in bundle.handlers:
            seconds, modules = measure(bundle, handler)
            lines.append(f"  {handler:<38}{len(modules):>9}{seconds * 1000:>11.0f}")
    return "\n".join(lines)


def measure(bundle: Bundle, handler: str) -> tuple[float, list[str]]:
    """Return the median seconds that a fresh interpreter takes to import a handler, and the modules then loaded."""
    folder = bundle.build_for_this_interpreter()
    import_handler(folder, handler)  # writes the byte code, as Lambda's first start does
    runs = [import_handler(folder, handler) for _ in range(_RUNS)]
    return statistics.median(seconds for seconds, _ in runs), runs[0][1]


def import_handler(folder: Path, handler: str) -> tuple[float, list[str]]:
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
    seconds, modules = done.stdout.strip().splitlines()[-2:]
    return float(seconds), modules.split()


def megabytes(files: Iterable[Path]) -> float:
    """Return what these files take on disk."""
    return sum(path.stat().st_size for path in files) / 1e6


def files_in(folder: Path) -> list[Path]:
    """Return the bundle's files, without byte code left by a run."""
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


if __name__ == "__main__":
    print(report())  # noqa: T201  # the command's answer
