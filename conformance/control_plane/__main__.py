"""``python -m conformance.control_plane``: the tests and ``make local`` on a real control plane."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from conformance.control_plane import end_to_end, schemas, suites
from conformance.control_plane.plane import ALL, LOGS, STILL
from conformance.control_plane.preparation import prepared
from conformance.control_plane.programs import find, version_of
from conformance.control_plane.waiting import StepFailedError
from conformance.go_programs import MissingError
from conformance.report import NOT_RUN, record
from local.cloud.processes import PartFailedError

SUITES = ("local/tests/kubernetes_api", "tests/unit/cluster")


def main() -> int:
    """Run everything and record it; 0 when all agreed."""
    try:
        programs = find(os.environ)
    except MissingError as missing:
        print(missing, file=sys.stderr)
        return NOT_RUN
    signal.signal(signal.SIGTERM, _interrupt)
    versions = {name: version_of(path) for name, path in programs.items()}
    print(", ".join(f"{name} {version}" for name, version in versions.items()), flush=True)
    try:
        outcomes, applied = _run_suites(programs)
        steps, problem = _run_end_to_end(programs)
    except PartFailedError as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped", file=sys.stderr)
        return 1
    for folder, outcome in outcomes.items():
        print(f"{folder}: {outcome}")
        for name in outcome.failed:
            print(f"   FAILED {name}")
    if problem:
        print(f"make local: {problem}")
    kinds = schemas.compared()
    rows = {**versions, "schemas of the built-in kinds": kinds}
    record("control_plane", facts(rows, applied, outcomes, steps, problem))
    tests_failed = any(outcome.failed for outcome in outcomes.values())
    return int(bool(problem) or tests_failed or kinds == schemas.DIFFERENT)


def facts(
    versions: dict[str, str], applied: str, outcomes: dict[str, suites.Outcome], steps: Sequence[str], problem: str
) -> dict[str, str]:
    """List what docs/conformance.md shows: versions, counts, steps, and every difference under its reason."""
    rows = {**versions, "manifests applied by": applied}
    rows |= {folder: str(outcome) for folder, outcome in outcomes.items()}
    rows["`make local` on it"] = "; ".join([*steps, *([f"FAILED: {problem}"] if problem else [])])
    by_reason: dict[str, list[str]] = {}
    for outcome in outcomes.values():
        for test, reason in outcome.differences.items():
            by_reason.setdefault(reason, []).append(f"`{test}`")
    return rows | {f"difference: {reason}": ", ".join(tests) for reason, tests in by_reason.items()}


def _run_suites(programs: dict[str, Path]) -> tuple[dict[str, suites.Outcome], str]:
    with prepared(programs, STILL) as (plane, _, applied):
        endpoint = plane.endpoint_file()
        outcomes = {
            folder: suites.run(folder, endpoint, LOGS / f"{Path(folder).name}.xml", os.environ) for folder in SUITES
        }
    return outcomes, applied


def _run_end_to_end(programs: dict[str, Path]) -> tuple[list[str], str]:
    steps = end_to_end.Steps()
    with prepared(programs, ALL) as (plane, api, _):
        try:
            end_to_end.run(plane, api, steps)
        except StepFailedError as failed:
            return steps.seen, str(failed)
    return steps.seen, ""


def _interrupt(*_: object) -> None:
    """SIGTERM stops everything as Ctrl-C does."""
    if threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
