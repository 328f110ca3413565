"""Run the fuzz targets one after the other: ``python -m fuzz [--seconds N] [TARGET ...]``."""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from fuzz.targets import TARGETS

_ROOT: Final = Path(__file__).resolve().parent.parent
_BUILD: Final = _ROOT / "build" / "fuzz"
_DONE: Final = re.compile(r"Done (\d+) runs")
_COVERAGE: Final = re.compile(r"cov: (\d+)")


def main() -> int:
    """Print a line a target; 1 when any input failed."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target (default: %(default)s)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all by default: {', '.join(TARGETS)}")
    options = parser.parse_args()
    if unknown := [name for name in options.targets if name not in TARGETS]:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    failed = [name for name in options.targets or TARGETS if not _fuzz(name, options.seconds)]
    return int(bool(failed))


def _fuzz(name: str, seconds: int) -> bool:
    corpus, failures = _BUILD / name, _BUILD / f"{name}-failures"
    for folder in (corpus, failures):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    before = set(failures.iterdir())
    command = [sys.executable, "-m", "fuzz.engine", name, str(corpus)]
    command += [f"-max_total_time={seconds}", f"-artifact_prefix={failures}/"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, errors="replace", check=False)
    output = done.stdout + done.stderr
    runs, coverage = _DONE.findall(output), _COVERAGE.findall(output)
    found = sorted(set(failures.iterdir()) - before)
    print(f"{name:14} {runs[-1] if runs else '?':>10} runs  {coverage[-1] if coverage else '?':>6} branches", end="")
    if done.returncode == 0 and not found:
        print("  nothing found")
        return True
    print("  FAILED")
    print("\n".join(f"  | {line}" for line in output.splitlines() if not line.startswith("#"))[-4000:])
    for path in found:
        print(f"  input: {path.relative_to(_ROOT)}")
    return False


if __name__ == "__main__":
    sys.exit(main())
