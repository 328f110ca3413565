"""What a slow build says of itself while it runs, and that a quick one says nothing."""

import io
import threading
import time

import pytest
from builder.log import BuildLog, RunningStep
from builder.progress import HEARTBEAT_SECONDS, TOLD_AFTER_SECONDS, Progress
from builder.task import BuildTask

from functions.contracts.task import TaskKey
from tests.unit.builder.harness import HELLO, TABLE, TASK, WORKSPACE, Cloud, manifest, zipped


class Watched:
    """A build log whose clock is turned by hand, and what its progress has told."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.log = BuildLog(self.stream)
        self.told: list[str] = []
        self.later = 0.0
        self.progress = Progress(self.log, lambda step: self.told.append(step.name), now=self._now)

    def _now(self) -> float:
        return time.monotonic() + self.later

    def look(self, *, after: float) -> None:
        self.later = after
        self.progress.look()

    def beats(self) -> list[str]:
        return [line for line in self.stream.getvalue().splitlines() if line.startswith("Still running")]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_quick_step_is_told_to_nobody(watched: Watched) -> None:
    with watched.log.step("fetch", "Fetch app.py"):
        watched.look(after=TOLD_AFTER_SECONDS - 1)
    watched.look(after=1000)
    assert watched.told == []
    assert watched.beats() == []


def test_a_slow_step_is_told_once_and_so_is_each_that_follows(watched: Watched) -> None:
    with watched.log.step("build", "spin build"):
        watched.look(after=TOLD_AFTER_SECONDS)
        watched.look(after=TOLD_AFTER_SECONDS + 1)
    with watched.log.step("push", "Push"):
        watched.look(after=0)
    assert watched.told == ["build", "push"]


def test_of_two_steps_side_by_side_the_one_that_a_build_ends_with_is_told(watched: Watched) -> None:
    with watched.log.step("build", "spin build"):
        with watched.log.step("type_check", "Type check"):
            watched.look(after=TOLD_AFTER_SECONDS)
        watched.look(after=TOLD_AFTER_SECONDS)
    assert watched.told == ["build"]


def test_a_check_that_outlasts_the_build_is_told_then(watched: Watched) -> None:
    with watched.log.step("type_check", "Type check"):
        with watched.log.step("build", "spin build"):
            watched.look(after=TOLD_AFTER_SECONDS)
        watched.look(after=TOLD_AFTER_SECONDS)
    assert watched.told == ["build", "type_check"]


def test_the_log_has_a_heartbeat_of_what_takes_long(watched: Watched) -> None:
    with watched.log.step("build", "spin build"), watched.log.step("type_check", "Type check"):
        watched.look(after=HEARTBEAT_SECONDS - 1)
        assert watched.beats() == []
        watched.look(after=HEARTBEAT_SECONDS)
        watched.look(after=HEARTBEAT_SECONDS + 1)
        watched.look(after=2 * HEARTBEAT_SECONDS)
    assert watched.beats() == [
        "Still running: Type check, 10 s; spin build, 10 s",
        "Still running: Type check, 20 s; spin build, 20 s",
    ]


def test_the_row_names_the_step_and_when_it_began(cloud: Cloud) -> None:
    cloud.submit("app.zip", b"", status="building")
    task = BuildTask(cloud.aws.dynamodb, TABLE, TaskKey(WORKSPACE, TASK))
    log = BuildLog(io.StringIO())
    with log.step("build", "spin build"):
        task.note_step(log.running()[0])
    assert cloud.row()["step"] == "build"
    assert cloud.row()["step_started_at"].endswith("Z")


@pytest.mark.parametrize(
    ("status", "step"), [("done", "build"), ("failed", "push"), ("pushing", "build"), ("building", "push")]
)
def test_a_task_that_has_moved_on_is_left_as_it_is(cloud: Cloud, status: str, step: str) -> None:
    cloud.submit("app.zip", b"", status=status)
    task = BuildTask(cloud.aws.dynamodb, TABLE, TaskKey(WORKSPACE, TASK))
    task.note_step(RunningStep(step, "title", 0.0))  # type: ignore[arg-type]
    assert "step" not in cloud.row()


def test_a_table_out_of_reach_does_not_break_a_build(cloud: Cloud) -> None:
    BuildTask(cloud.aws.dynamodb, "no-such-table", TaskKey(WORKSPACE, TASK)).note_step(RunningStep("build", "t", 0.0))


def test_the_push_forgets_the_step_before_it(cloud: Cloud) -> None:
    cloud.submit("app.zip", b"", status="building")
    task = BuildTask(cloud.aws.dynamodb, TABLE, TaskKey(WORKSPACE, TASK))
    task.note_step(RunningStep("build", "spin build", 0.0))
    task.start_pushing()
    assert cloud.row()["status"] == "pushing"
    assert not {"step", "step_started_at"} & cloud.row().keys()


def test_a_build_leaves_no_thread_behind_and_a_quick_one_no_step(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO}))
    result = cloud.build()
    assert result is not None
    assert result.outcome == "succeeded", result.error
    assert [thread for thread in threading.enumerate() if thread.name == "progress"] == []
    assert "step" not in cloud.row()


def test_what_a_tool_has_said_is_not_said_again(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest("echo the-reason; false"), "app.py": HELLO}))
    result = cloud.build()
    assert result is not None
    assert "the-reason" in str(result.error)
    lines = cloud.log.splitlines()
    assert [line for line in lines if line.endswith("the-reason")] == ["build | the-reason"]
    assert any(line.startswith("error | ") for line in lines)


def test_a_line_has_no_clock_of_its_own(cloud: Cloud) -> None:
    cloud.submit("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO}))
    cloud.build()
    assert cloud.log.splitlines()[0] == "Fetch app.zip"
