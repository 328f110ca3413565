"""Time limits of builds, in seconds: CodeBuild's API has minutes only."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.aws.codebuild.builds import Build, BuildQueue
from local.aws.codebuild.record import BuildRecord
from local.aws.codebuild.runner import BuildRunner, ServiceRole
from local.aws.settings import Settings

Json = dict[str, Any]


@pytest.fixture
def make_build(tmp_path: Path) -> Callable[..., Build]:
    """Makes builds that run ``command``."""
    settings = Settings(port=9, state_dir=tmp_path, codebuild_path=os.defpath)
    settings.builds_dir.mkdir()

    def make(name: str, command: str, *, timeout: float = 30, queued_timeout: float = 30) -> Build:
        project = {"source": {"buildspec": f"version: 0.2\nphases: {{build: {{commands: ['{command}']}}}}"}}
        logs = {"groupName": "g", "streamName": "s"}
        initial = {"id": f"p:{name}", "arn": "a", "buildNumber": 1, "logs": logs}
        record = BuildRecord(initial, lambda _: None)
        runner = BuildRunner(settings, project, record, lambda _: None, ServiceRole({}))
        return Build(
            record,
            runner,
            timeout=timeout,
            queued_timeout=queued_timeout,
            spawn=lambda work: threading.Thread(target=work).start(),
        )

    return make


def test_a_build_that_takes_too_long_times_out(make_build: Callable[..., Build], tmp_path: Path) -> None:
    build = make_build("long", "sleep 1000", timeout=0.3)
    BuildQueue(1).submit(build)
    record = build.finished.result(20)
    assert record["buildStatus"] == "TIMED_OUT"
    phases = {phase["phaseType"]: phase.get("phaseStatus") for phase in record["phases"]}
    assert phases["BUILD"] == "TIMED_OUT"
    assert "POST_BUILD" not in phases
    assert list((tmp_path / "codebuild").iterdir()) == []


def test_a_build_that_waits_too_long_times_out(make_build: Callable[..., Build]) -> None:
    queue = BuildQueue(1)
    first = make_build("first", "sleep 1000")
    second = make_build("second", "true", queued_timeout=0.2)
    third = make_build("third", "true")
    for build in (first, second, third):
        queue.submit(build)
    record = second.finished.result(20)
    assert record["buildStatus"] == "TIMED_OUT"
    assert [phase["phaseType"] for phase in record["phases"]] == ["SUBMITTED", "QUEUED", "COMPLETED"]
    queue.stop(first)
    assert third.finished.result(20)["buildStatus"] == "SUCCEEDED"
    assert first.finished.result(20)["buildStatus"] == "STOPPED"


def test_stopping_all_ends_running_and_waiting_builds(make_build: Callable[..., Build]) -> None:
    queue = BuildQueue(2)
    builds = [make_build(str(index), "sleep 1000") for index in range(4)]
    for build in builds:
        queue.submit(build)
    queue.stop_all(20)
    assert [build.finished.result(0)["buildStatus"] for build in builds] == ["STOPPED"] * 4


def test_a_fault_of_the_runner_ends_the_build_and_frees_its_place(
    make_build: Callable[..., Build], tmp_path: Path
) -> None:
    queue = BuildQueue(1)
    (tmp_path / "codebuild" / "broken").touch()  # where the build's folder should go
    broken, after = make_build("broken", "true"), make_build("after", "true")
    queue.submit(broken)
    queue.submit(after)
    assert broken.finished.result(20)["buildStatus"] == "FAULT"
    assert after.finished.result(20)["buildStatus"] == "SUCCEEDED"
