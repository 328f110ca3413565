"""What one workspace may have: running builds and kept tasks, also when everybody comes at once."""

import time
from collections.abc import Callable, Iterator

import boto3
import pytest

from functions.contracts import settings
from functions.contracts.task import TaskKey
from functions.handlers import ingest
from functions.tasks import usage
from functions.tasks.identifiers import new_task_id
from functions.tasks.store import TaskStore
from functions.tasks.usage import LimitReachedError, Limits, Usage
from tests.support.aws_account import TABLE, Account
from tests.support.build_api import WORKSPACE, announce, request, started, task, upload
from tests.support.events import LambdaContext, body_of
from tests.support.tasks import done
from tests.unit.test_ingest import created
from tests.unit.test_uploads import body


@pytest.fixture
def limits(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, int], None]]:
    """Sets the limits of running builds and kept tasks."""

    def set_to(running: int, kept: int) -> None:
        monkeypatch.setenv("LIMITS_RUNNING_BUILDS", str(running))
        monkeypatch.setenv("LIMITS_KEPT_TASKS", str(kept))
        settings.reset()

    yield set_to
    settings.reset()


def new_task() -> TaskKey:
    return TaskKey(WORKSPACE, new_task_id())


class TestRunning:
    def test_on_both_sides(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(2, 100)
        started(), started()
        answer = upload()
        assert answer["statusCode"] == 429
        assert answer["headers"]["Retry-After"] == str(usage.RETRY_RUNNING_SECONDS)
        assert "as it may (2)" in body_of(answer)["detail"]
        assert len(account.rows()) == len(account.executions()) == len(account.keys()) == 2

    def test_a_place_is_free_when_a_build_has_ended(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(1, 100)
        for _ in range(3):
            done(started())
        started()
        assert upload()["statusCode"] == 429

    def test_a_cancelled_build_gives_its_place_back(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(1, 100)
        request("DELETE", f"/api/v1/tasks/{started()}", workspace_id=WORKSPACE)
        assert started()

    def test_announced_uploads_count(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(1, 100)
        assert announce(body())["statusCode"] == 201
        assert announce(body())["statusCode"] == 429
        assert upload()["statusCode"] == 429

    def test_other_workspaces_are_not_concerned(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(1, 100)
        started()
        assert started(workspace_id="other-workspace")

    def test_a_failed_submission_gives_its_place_back(
        self, account: Account, limits: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits(1, 100)
        with monkeypatch.context() as broken:
            broken.setenv("CODE_BUCKET", "no-such-bucket")
            settings.reset()
            assert upload()["statusCode"] == 503
        settings.reset()
        assert started()

    def test_a_claim_that_never_became_a_task_is_forgotten(self, account: Account) -> None:
        long_ago = "01900000-0000-7000-8000-000000000000"
        places = Usage(TaskStore(TABLE), Limits(running=1, kept=10))
        places.claim(TaskKey(WORKSPACE, long_ago))
        places.claim(new_task())

    def test_a_claim_that_is_about_to_become_one_is_not(self, account: Account) -> None:
        places = Usage(TaskStore(TABLE), Limits(running=1, kept=10))
        places.claim(new_task())
        with pytest.raises(LimitReachedError):
            places.claim(new_task())

    def test_the_same_task_may_claim_again(self, account: Account) -> None:
        places = Usage(TaskStore(TABLE), Limits(running=1, kept=1))
        task = new_task()
        places.claim(task)
        places.claim(task)

    def test_of_many_at_once_no_more_than_there_are_places(
        self, account: Account, at_once: Callable[[Callable[[], str], int], list[str]]
    ) -> None:
        places = Usage(TaskStore(TABLE), Limits(running=3, kept=100))

        def claim() -> str:
            try:
                places.claim(new_task())
            except LimitReachedError:
                return "refused"
            return "taken"

        answers = at_once(claim, 10)
        assert answers.count("taken") == 3
        assert answers.count("refused") == 7


class TestKept:
    def test_on_both_sides(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(2, 2)
        for _ in range(2):
            done(started())
        answer = upload()
        assert answer["statusCode"] == 429
        assert answer["headers"]["Retry-After"] == str(usage.RETRY_KEPT_SECONDS)
        assert "as it may (2)" in body_of(answer)["detail"]

    def test_a_deleted_task_makes_room_at_once(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(2, 2)
        first, second = started(), started()
        for task_id in (first, second):
            done(task_id)
        assert upload()["statusCode"] == 429
        request("DELETE", f"/api/v1/tasks/{first}", workspace_id=WORKSPACE)
        assert started()
        assert upload()["statusCode"] == 429

    def test_rows_that_expired_are_found_out_by_counting(
        self, account: Account, limits: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits(2, 2)
        first, second = started(), started()
        for task_id in (first, second):
            done(task_id)
        boto3.resource("dynamodb").Table(TABLE).delete_item(Key={"workspace_id": WORKSPACE, "task_id": first})
        later = time.time() + 400
        monkeypatch.setattr("functions.tasks.usage.time.time", lambda: later)
        assert started()

    def test_rows_from_before_there_was_a_count_are_counted(
        self, account: Account, limits: Callable[[int, int], None]
    ) -> None:
        for task_id in (started(), started()):
            done(task_id)
        for item in account.side_items():
            boto3.resource("dynamodb").Table(TABLE).delete_item(
                Key={"workspace_id": item["workspace_id"], "task_id": item["task_id"]}
            )
        limits(2, 2)
        assert upload(("other.py", b"y = 1\n"))["statusCode"] == 429


class TestDroppedIntoS3:
    def test_the_task_says_that_there_was_no_place(self, account: Account, limits: Callable[[int, int], None]) -> None:
        limits(1, 100)
        started()
        key = "uploads/my-workspace/my-function/app.py"
        answer = ingest.handler(created(key, account.put(key, b"y = 1\n")), LambdaContext())
        tasks = body_of(request("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks"))["tasks"]
        (refused,) = [entry for entry in tasks if entry["status"] == "failed"]
        assert answer == {"task_id": refused["task_id"]}
        assert "as it may (1)" in refused["error"]
        assert len(account.executions()) == 1
        assert task(refused["task_id"])["app_name"] == "my-function"
