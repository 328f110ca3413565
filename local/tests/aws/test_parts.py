"""Parts of the one-machine cloud as processes: a start takes as long as there is work, and no longer."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.cloud.processes import WORKING_SECONDS, Part, PartFailedError

WAIT = "time.sleep(1000)"
WORK = f"""
end = time.process_time() + 0.5
while time.process_time() < end: pass
pathlib.Path(sys.argv[1]).touch()
{WAIT}"""

Start = Callable[[str], Part]


@pytest.fixture
def worked(tmp_path: Path) -> Path:
    """What a part leaves when it has worked."""
    return tmp_path / "worked"


@pytest.fixture
def start(tmp_path: Path, worked: Path) -> Iterator[Start]:
    """Starts parts, which end with the test."""
    parts: list[Part] = []

    def run(program: str) -> Part:
        command = [sys.executable, "-c", f"import pathlib, sys, time\n{program}", str(worked)]
        parts.append(Part("part", command, tmp_path / "log", {}))
        return parts[-1]

    yield run
    for part in parts:
        part.stop()


def test_work_is_told_from_waiting(start: Start, worked: Path) -> None:
    working, waiting = start(WORK), start(WAIT)
    waiting.wait_until(worked.exists, 600)
    assert working.worked >= 0.5 > waiting.worked
    assert working.worked - waiting.worked > WORKING_SECONDS


def test_who_waits_for_ever_is_given_up(start: Start, worked: Path) -> None:
    with pytest.raises(PartFailedError, match="part does nothing for 1 s"):
        start(WAIT).wait_until(worked.exists, 1)


def test_who_has_ended_is_given_up_at_once(start: Start, worked: Path) -> None:
    with pytest.raises(PartFailedError, match="part ended with exit code 3"):
        start("sys.exit(3)").wait_until(worked.exists, 600)
