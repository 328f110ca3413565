"""The tests that meet the real server, and what they showed."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.cloud.places import ROOT
from tests.support.control_plane import DIFFERS, REAL, VARIABLE


@dataclass
class Outcome:
    """What a suite showed on the real server."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    differences: dict[str, str] = field(default_factory=dict)
    """Test to the reason for which it is not run there."""

    def __str__(self) -> str:
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.differences)} not run (differences below)"


def run(folder: str, endpoint_file: Path, report: Path, environment: Mapping[str, str]) -> Outcome:
    """Run a folder's tests on the real server. `make test` runs the same on the stand-in."""
    command = [sys.executable, "-m", "pytest", "-q", "-k", REAL, "--junitxml", str(report), folder]
    done = subprocess.run(command, cwd=ROOT, env={**environment, VARIABLE: str(endpoint_file)}, check=False)
    outcome = read(report)
    if done.returncode and not outcome.failed:
        outcome.failed.append(f"{folder}: pytest ended with {done.returncode}")
    return outcome


def read(report: Path) -> Outcome:
    """Count the tests of the real server in a JUnit report."""
    outcome = Outcome()
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  (pytest wrote it a moment ago)
        name = case.get("name", "")
        if REAL not in name:
            continue
        reason = next((skipped.get("message", "") for skipped in case.iter("skipped")), "")
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed.append(f"{case.get('classname')}.{name}")
        elif reason.startswith(DIFFERS):
            outcome.differences[name.partition("[")[0]] = reason.removeprefix(DIFFERS)
        elif not reason:
            outcome.passed += 1
    return outcome
