"""Listing, waiting for, reading the log of, cancelling and deleting tasks."""

import datetime
import time
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from functions.contracts import settings
from functions.contracts.build_result import Finding
from functions.contracts.task import TaskKey, TaskStatus
from functions.models.builds import Task
from functions.tasks import build_log, long_poll
from functions.tasks.admission import Admission
from functions.tasks.settings import SlotSettings
from functions.tasks.store import TaskStore
from tests.support.aws_account import BUCKET, TABLE, Account
from tests.support.build_api import SOURCE, WORKSPACE, call, request, started, task, upload
from tests.support.events import body_of, http_event
from tests.support.slots import take
from tests.support.tasks import done, failed


def listed(workspace_id: str = WORKSPACE, **query: Any) -> dict[str, Any]:
    return body_of(request("GET", f"/api/v1/workspaces/{workspace_id}/tasks", **query))


def log(task_id: str, workspace_id: str = WORKSPACE, **query: Any) -> dict[str, Any]:
    return request("GET", f"/api/v1/tasks/{task_id}/logs", workspace_id=workspace_id, **query)


def delete(task_id: str, workspace_id: str = WORKSPACE) -> dict[str, Any]:
    return request("DELETE", f"/api/v1/tasks/{task_id}", workspace_id=workspace_id)


class TestList:
    def test_newest_first_with_everything_that_a_task_has(self, account: Account) -> None:
        first, second = started(app_name="one"), started(app_name="two")
        failed(first, "because")
        page = listed()
        assert [entry["task_id"] for entry in page["tasks"]] == sorted([first, second], reverse=True)
        assert page["next"] is None
        (entry,) = [entry for entry in page["tasks"] if entry["task_id"] == first]
        assert entry == task(first)
        assert (entry["status"], entry["error"], entry["app_name"]) == ("failed", "because", "one")
        assert entry["updated_at"] >= entry["created_at"]

    def test_pages_cover_everything_once(self, account: Account) -> None:
        made = sorted((started() for _ in range(5)), reverse=True)
        seen: list[str] = []
        query: dict[str, str] = {}
        while True:
            page = listed(limit=2, **query)
            assert len(page["tasks"]) <= 2
            seen += [entry["task_id"] for entry in page["tasks"]]
            if page["next"] is None:
                break
            query = {"next": page["next"]}
        assert seen == made

    def test_a_full_last_page_says_that_it_is_the_last(self, account: Account) -> None:
        started(), started()
        assert listed(limit=2)["next"] is None

    def test_tasks_made_meanwhile_do_not_shift_the_pages(self, account: Account) -> None:
        made = sorted((started() for _ in range(3)), reverse=True)
        page = listed(limit=2)
        started()
        assert [entry["task_id"] for entry in listed(limit=2, next=page["next"])["tasks"]] == made[2:]

    def test_only_the_workspaces_own(self, account: Account) -> None:
        started()
        assert listed("other-workspace") == {"tasks": [], "next": None}

    def test_a_token_of_one_workspace_shows_nothing_of_it_in_another(self, account: Account) -> None:
        started(), started()
        token = listed(limit=1)["next"]
        assert listed("other-workspace", next=token)["tasks"] == []

    @pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "x"}, {"next": "x"}, {"next": "é"}])
    def test_unusable_queries(self, account: Account, query: dict[str, Any]) -> None:
        answer = request("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks", **query)
        assert answer["statusCode"] == 422
        assert list(body_of(answer)) == ["detail"]

    @pytest.mark.parametrize("limit", [1, 100])
    def test_limits_at_the_edge(self, account: Account, limit: int) -> None:
        started()
        assert len(listed(limit=limit)["tasks"]) == 1

    def test_nothing_that_is_not_for_clients(self, account: Account) -> None:
        upload(key="secret-key")
        answer = request("GET", f"/api/v1/workspaces/{WORKSPACE}/tasks")
        (entry,) = body_of(answer)["tasks"]
        assert list(entry) == list(Task.model_fields)
        assert list(entry)[:4] == ["task_id", "status", "result", "error"]


class TestWait:
    def test_an_ended_task_is_answered_at_once(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = started()
        done(task_id)
        monkeypatch.setattr("functions.tasks.long_poll.time.sleep", lambda _: pytest.fail("waited for an ended task"))
        assert task(task_id, wait=25)["status"] == "done"

    def test_a_change_of_the_status_ends_the_wait(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = started()
        monkeypatch.setattr("functions.tasks.long_poll.time.sleep", lambda _: done(task_id))
        assert task(task_id, wait=25)["status"] == "done"

    def test_time_is_over_without_a_change(self, account: Account) -> None:
        assert task(started(), wait=1)["status"] == "pending"

    def test_a_task_that_is_deleted_meanwhile(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = started()

        def gone(_: float) -> None:
            failed(task_id)
            TaskStore(TABLE).delete(TaskKey(WORKSPACE, task_id))

        monkeypatch.setattr("functions.tasks.long_poll.time.sleep", gone)
        assert request("GET", f"/api/v1/tasks/{task_id}", workspace_id=WORKSPACE, wait=5)["statusCode"] == 404

    @pytest.mark.parametrize(("wait", "status"), [(0, 200), (-1, 422), (26, 422), ("x", 422)])
    def test_bounds(self, account: Account, wait: int | str, status: int) -> None:
        assert request("GET", f"/api/v1/tasks/{started()}", workspace_id=WORKSPACE, wait=wait)["statusCode"] == status

    def test_the_function_keeps_time_to_answer(self) -> None:
        assert long_poll.time_to_wait(25, 28_000) == 25
        assert long_poll.time_to_wait(25, 20_000) == 18
        assert long_poll.time_to_wait(25, 500) == 0


class TestQueued:
    def test_until_the_builder_begins(self, account: Account) -> None:
        task_id = started()
        assert task(task_id)["queued"] is True
        (row,) = account.rows()
        account.change(row, status="building")
        assert (task(task_id)["status"], task(task_id)["queued"]) == ("building", True)
        assert body_of(log(task_id))["queued"] is True
        account.change(row, status="building", build_id="project:uuid")
        assert task(task_id)["queued"] is False

    def test_not_while_the_upload_is_awaited_nor_after_the_end(self, account: Account) -> None:
        task_id = started()
        (row,) = account.rows()
        account.change(row, upload_expires_at=1)
        assert task(task_id)["queued"] is False
        account.change(row)
        failed(task_id)
        assert task(task_id)["queued"] is False

    def test_a_builder_that_begins_ends_the_wait(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = started()
        (row,) = account.rows()
        account.change(row, status="building")
        begins = lambda _: account.change(row, status="building", build_id="project:uuid")  # noqa: E731
        monkeypatch.setattr("functions.tasks.long_poll.time.sleep", begins)
        assert task(task_id, wait=25)["queued"] is False


class TestStep:
    def test_of_each_part_of_a_tasks_life(self, account: Account) -> None:
        task_id = started(deploy='{"namespace": "default"}')
        (row,) = account.rows()
        assert self._of(task_id) == ("queue", row["created_at"])
        account.change(row, queued_at="2026-01-01T00:00:01.000Z")
        assert self._of(task_id) == ("queue", "2026-01-01T00:00:01.000Z")
        account.change(row, upload_expires_at=1)
        assert self._of(task_id) == ("upload", row["created_at"])
        slow = {"build_id": "project:uuid", "step": "build", "step_started_at": "2026-01-01T00:00:02.000Z"}
        account.change(row, status="building", build_id="project:uuid")
        assert self._of(task_id) == (None, None)
        account.change(row, status="building", **slow)
        assert self._of(task_id) == ("build", "2026-01-01T00:00:02.000Z")
        account.change(row, status="failed", error="no", **slow)
        assert self._of(task_id) == (None, None)
        account.change(row, status="done", **slow)
        assert self._of(task_id) == ("deploy", row["updated_at"])
        account.change(row, status="done", deployment="{}", **slow)
        assert self._of(task_id) == (None, None)

    def _of(self, task_id: str) -> tuple[str | None, str | None]:
        found = task(task_id)
        return found["step"], found["step_started_at"]

    def test_another_step_ends_the_wait(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = started()
        (row,) = account.rows()
        account.change(row, status="building", build_id="project:uuid")
        slow = {"status": "building", "build_id": "project:uuid", "step": "packages"}
        monkeypatch.setattr("functions.tasks.long_poll.time.sleep", lambda _: account.change(row, **slow))
        assert task(task_id, wait=25)["step"] == "packages"


class TestQueuedAhead:
    def test_builds_of_all_workspaces_that_come_before_are_counted(self, account: Account) -> None:
        workspaces = ("burst", "burst", "burst", "late", "burst", "burst", "late", "third")
        tasks = [self._queued(workspace) for workspace in workspaces]
        # The first two have their slots. Of the others, the third's and the late one's go before more of the burst.
        assert [self._of(task) for task in tasks] == [0, 0, 3, 0, 4, 5, 2, 1]

    def test_what_has_not_asked_for_a_slot_has_none_before_it(self, account: Account) -> None:
        assert self._of(TaskKey(WORKSPACE, started())) == 0

    @pytest.mark.parametrize(
        "fields", [{"status": "building", "build_id": "project:uuid"}, {"upload_expires_at": 1}, {"status": "done"}]
    )
    def test_none_where_nothing_waits(self, account: Account, fields: dict[str, Any]) -> None:
        task_id = started()
        (row,) = account.rows()
        account.change(row, **fields)
        assert self._of(TaskKey(WORKSPACE, task_id)) is None
        assert listed()["tasks"][0]["queued_ahead"] is None

    def _queued(self, workspace_id: str) -> TaskKey:
        """A task that has its slot, or waits for one."""
        key, admission = TaskKey(workspace_id, started(workspace_id=workspace_id)), Admission.of(SlotSettings.read())
        if not take(admission, key):
            admission.wait(key, "token")
        return key

    def _of(self, task_key: TaskKey) -> int | None:
        ahead: int | None = task(task_key.task_id, task_key.workspace_id)["queued_ahead"]
        return ahead


class TestLog:
    BUILD = STREAM = ""
    """Id of the build, and the stream that it writes to; new for each test."""

    def building(self, account: Account) -> str:
        task_id = started()
        (row,) = [row for row in account.rows() if row["task_id"] == task_id]
        account.change(row, build_id=self.BUILD, status="building")
        return task_id

    @pytest.fixture(autouse=True)
    def _settles_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build_log, "_LOG_DELAY", datetime.timedelta(0))

    @pytest.fixture(autouse=True)
    def _own_stream(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stream = str(uuid.uuid4())
        monkeypatch.setattr(TestLog, "STREAM", stream)
        monkeypatch.setattr(TestLog, "BUILD", f"BuilderProject-x:{stream}")

    def test_whole_once_the_task_has_ended(self, account: Account) -> None:
        task_id = self.building(account)
        account.log(self.STREAM, "Type check", "mypy | app.py:1: error: no")
        failed(task_id)
        time.sleep(0.002)  # the end is in the past, by a millisecond
        body = body_of(log(task_id))
        assert [line["message"] for line in body["lines"]] == ["Type check", "mypy | app.py:1: error: no"]
        assert body["next"] is None
        assert body["status"] == "failed"
        assert body["lines"][0]["timestamp"].endswith("Z")

    def test_followed_while_it_runs(self, account: Account) -> None:
        task_id = self.building(account)
        account.log(self.STREAM, "one")
        first = body_of(log(task_id))
        assert [line["message"] for line in first["lines"]] == ["one"]
        account.log(self.STREAM, "two")
        second = body_of(log(task_id, next=first["next"]))
        assert [line["message"] for line in second["lines"]] == ["two"]
        assert body_of(log(task_id, next=second["next"]))["lines"] == []
        done(task_id)
        time.sleep(0.002)
        assert body_of(log(task_id, next=second["next"]))["next"] is None

    def test_before_the_build_begins_there_is_a_token_to_go_on_with(self, account: Account) -> None:
        task_id = started()
        body = body_of(log(task_id))
        assert body["lines"] == []
        (row,) = account.rows()
        account.change(row, build_id=self.BUILD)
        account.log(self.STREAM, "begins")
        assert [line["message"] for line in body_of(log(task_id, next=body["next"]))["lines"]] == ["begins"]

    def test_a_stream_that_is_not_there_yet(self, account: Account) -> None:
        body = body_of(log(self.building(account)))
        assert body["lines"] == []
        assert body["next"] is not None

    def test_a_task_that_ended_without_a_build_has_a_complete_empty_log(self, account: Account) -> None:
        task_id = started()
        failed(task_id)
        ended = {"task_id": task_id, "status": "failed", "queued": False}
        assert body_of(log(task_id)) == {**ended, "lines": [], "next": None}

    def test_as_plain_text_with_the_way_to_later_lines(self, account: Account) -> None:
        task_id = self.building(account)
        account.log(self.STREAM, "one", "한글")
        event = http_event(
            "GET",
            f"/api/v1/tasks/{task_id}/logs",
            query={"workspace_id": WORKSPACE},
            headers={"accept": "text/plain"},
        )
        answer = call(event)
        assert answer["headers"]["Content-Type"] == "text/plain; charset=utf-8"
        assert [line.split(" ", 1)[1] for line in answer["body"].splitlines()] == ["one", "한글"]
        url = answer["headers"]["Link"].partition(">")[0].removeprefix("<")
        following = dict(parse_qsl(urlsplit(url).query))
        assert urlsplit(url).path == event["rawPath"]
        account.log(self.STREAM, "two")
        assert call({**event, "queryStringParameters": following})["body"].endswith(" two\n")
        failed(task_id)
        time.sleep(0.002)
        assert "Link" not in call({**event, "queryStringParameters": following})["headers"]

    def test_waits_for_the_next_line(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = self.building(account)
        monkeypatch.setattr("functions.tasks.long_poll.time.sleep", lambda _: account.log(self.STREAM, "at last"))
        assert [line["message"] for line in body_of(log(task_id, wait=20))["lines"]] == ["at last"]

    def test_the_operators_lines_are_not_shown(self, account: Account) -> None:
        task_id = self.building(account)
        account.log(
            self.STREAM,
            "[Container] 2026/01/01 Running command blue-faas-build",
            "builder | Traceback (most recent call last):",
            "mypy | builder | said by a tool, so it stays",
        )
        messages = [line["message"] for line in body_of(log(task_id))["lines"]]
        assert messages == ["mypy | builder | said by a tool, so it stays"]

    def test_another_builds_lines_are_never_shown(self, account: Account) -> None:
        task_id = self.building(account)
        account.log("another-build", "secret of another task")
        assert "secret of another" not in log(task_id)["body"]

    @pytest.mark.parametrize("token", ["x", "é", "MWYvMTIz"])
    def test_unusable_tokens(self, account: Account, token: str) -> None:
        task_id = self.building(account)
        account.log(self.STREAM, "one")
        answer = log(task_id, next=token)
        assert answer["statusCode"] in (200, 422)
        assert (answer["statusCode"] == 422) or body_of(answer)["lines"] in ([], body_of(log(task_id))["lines"])

    def test_another_workspace_sees_nothing(self, account: Account) -> None:
        assert log(self.building(account), "other-workspace")["statusCode"] == 404


class TestCancel:
    def test_a_running_task_is_failed_and_its_execution_stopped(self, account: Account) -> None:
        task_id = started()
        answer = delete(task_id)
        assert answer["statusCode"] == 200
        assert body_of(answer) == {"task_id": task_id, "outcome": "cancelled"}
        assert task(task_id)["status"] == "failed"
        assert "cancelled" in task(task_id)["error"]
        assert account.stopped() == [task_id]
        assert account.keys()

    def test_its_registry_password_is_forgotten(self, account: Account) -> None:
        registry = "217350599014.dkr.ecr.ap-northeast-2.amazonaws.com/app"
        delete(started(registry_url=registry, username="AWS", password="secret"))
        assert "registry_credentials" not in account.rows()[0]

    def test_another_workspaces_task_stays(self, account: Account) -> None:
        task_id = started()
        assert delete(task_id, "other-workspace")["statusCode"] == 404
        assert task(task_id)["status"] == "pending"


class TestDelete:
    def test_removes_every_version_of_every_object_and_the_row(self, account: Account) -> None:
        task_id, other = started(), started()
        for name in ("app.wasm", "result.json"):
            account.put(f"build-artifacts/{task_id}/{name}", b"1")
            account.put(f"build-artifacts/{task_id}/{name}", b"2")
        account.put(f"uploads-staged/{WORKSPACE}/{task_id}/app.py", SOURCE)
        done(task_id)
        answer = delete(task_id)
        assert answer["statusCode"] == 200
        assert body_of(answer) == {"task_id": task_id, "outcome": "deleted"}
        assert [key for key, _ in account.versions() if task_id in key] == []
        assert [key for key, _ in account.versions() if other in key]
        assert [row["task_id"] for row in account.rows()] == [other]
        assert request("GET", f"/api/v1/tasks/{task_id}", workspace_id=WORKSPACE)["statusCode"] == 404

    def test_again_is_404(self, account: Account) -> None:
        task_id = started()
        done(task_id)
        delete(task_id)
        assert delete(task_id)["statusCode"] == 404

    def test_frees_its_idempotency_key(self, account: Account) -> None:
        task_id = started(key="key-1")
        done(task_id)
        delete(task_id)
        assert started(key="key-1") != task_id

    def test_what_broke_in_the_middle_can_be_finished(self, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = started()
        done(task_id)
        with monkeypatch.context() as broken:
            broken.setenv("CODE_BUCKET", "no-such-bucket")
            settings.reset()
            assert delete(task_id)["statusCode"] == 503
        settings.reset()
        assert [row["task_id"] for row in account.rows()] == [task_id]
        assert delete(task_id)["statusCode"] == 200
        assert account.versions() == []


def test_structured_findings_stand_beside_the_text(account: Account) -> None:
    task_id = started()
    findings = [Finding(file="app.py", line=10, code="assignment", message="Incompatible types")]
    error = "MyPy validation failed: app.py:10: error: Incompatible types"
    failed(task_id, error, findings)
    body = task(task_id)
    assert body["error"] == error
    assert body["errors"] == [finding.model_dump() for finding in findings]
    assert TaskStatus(body["status"]) is TaskStatus.FAILED
    assert BUCKET not in str(body["errors"])
