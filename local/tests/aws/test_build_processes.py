"""Builds that are stopped, wait for others, or leave processes behind."""

import os
import uuid
from pathlib import Path

from local.tests.aws.builds import finish, get, make_project, start, statuses
from local.tests.aws.conftest import Cloud, eventually


def running(marker: str) -> list[int]:
    """Processes whose command line has ``marker``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (entry / "cmdline").read_text() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def stubborn(marker: str) -> list[str]:
    """Commands that leave running: a background process, one of another session, an orphan, one that ignores TERM."""
    sleep = f"sh -c 'sleep 1000; : {marker}'"
    return [
        f"{sleep} &",
        f"setsid {sleep} > /dev/null 2>&1 &",
        f"(setsid {sleep} & ) > /dev/null 2>&1",
        f"sh -c 'trap \"\" TERM; while :; do sleep 1; done; : {marker}' &",
    ]


def test_stop_ends_every_process_and_leaves_no_file(cloud: Cloud) -> None:
    marker = str(uuid.uuid4())
    project = make_project(cloud, {"build": {"commands": [*stubborn(marker), "sleep 1000"]}})
    build_id = start(cloud, project)
    eventually(lambda: len(running(marker)) >= 4 and get(cloud, build_id)["currentPhase"] == "BUILD")
    stopped = cloud.client("codebuild").stop_build(id=build_id)["build"]
    assert stopped["buildStatus"] == "STOPPED"
    assert stopped["buildComplete"]
    assert statuses(stopped)["BUILD"] == "STOPPED"
    assert "POST_BUILD" not in statuses(stopped)
    assert running(marker) == []
    assert list((cloud.state_dir / "codebuild").iterdir()) == []
    assert cloud.client("codebuild").stop_build(id=build_id)["build"]["buildStatus"] == "STOPPED"


def test_a_finished_build_leaves_no_process(cloud: Cloud) -> None:
    marker = str(uuid.uuid4())
    build = finish(cloud, start(cloud, make_project(cloud, {"build": {"commands": stubborn(marker)}})))
    assert build["buildStatus"] == "SUCCEEDED"
    assert running(marker) == []


def test_builds_above_the_concurrency_wait_in_the_queue(cloud: Cloud, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    project = make_project(cloud, {"build": {"commands": [f"while [ ! -e {gate} ]; do sleep 0.05; done"]}})
    first, second, third, fourth = (start(cloud, project) for _ in range(4))
    eventually(lambda: all(get(cloud, b)["currentPhase"] == "BUILD" for b in (first, second)))
    assert [get(cloud, b)["currentPhase"] for b in (third, fourth)] == ["QUEUED", "QUEUED"]
    queued = cloud.client("codebuild").stop_build(id=third)["build"]
    assert (queued["buildStatus"], statuses(queued)["QUEUED"]) == ("STOPPED", "STOPPED")
    gate.touch()
    ended = [finish(cloud, build_id) for build_id in (first, second, fourth)]
    assert [build["buildStatus"] for build in ended] == ["SUCCEEDED"] * 3
    waited = {phase["phaseType"]: phase for phase in ended[2]["phases"]}
    assert waited["QUEUED"]["endTime"] >= min(build["endTime"] for build in ended[:2])
