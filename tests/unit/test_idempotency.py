"""Idempotency-Key: the same key in the same workspace is the same task, whatever happens in between."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from functions.contracts.task import TaskKey
from functions.tasks import idempotency
from functions.tasks.idempotency import idempotent_task
from functions.tasks.settings import SubmissionSettings
from functions.tasks.submission import Registry, Submission, Submissions
from tests.support.aws_account import OTHER_REPOSITORY, OWN_REPOSITORY, Account
from tests.support.build_api import SOURCE, WORKSPACE, started, upload
from tests.support.events import body_of


def test_the_same_request_again_has_the_same_answer(account: Account) -> None:
    first, second = upload(key="k", app_name="a"), upload(key="k", app_name="a")
    assert first["statusCode"] == second["statusCode"] == 202
    assert body_of(first) == body_of(second)
    assert len(account.rows()) == len(account.executions()) == len(account.versions("build-sources/")) == 1


def test_without_a_key_each_request_is_a_task(account: Account) -> None:
    assert started() != started()


def test_another_key_is_another_task(account: Account) -> None:
    assert started(key="k1") != started(key="k2")


def test_another_workspace_may_use_the_same_key(account: Account) -> None:
    assert started(key="k") != started(key="k", workspace_id="other-workspace")


@pytest.mark.parametrize(
    ("file", "fields"),
    [
        (("app.py", b"x = 2\n"), {}),
        (("other.py", SOURCE), {}),
        (("app.py", SOURCE), {"app_name": "b"}),
        (("app.py", SOURCE), {"registry_url": OTHER_REPOSITORY, "username": "AWS", "password": "p"}),
    ],
)
def test_a_different_request_under_the_same_key_is_refused(
    account: Account, file: tuple[str, bytes], fields: dict[str, Any]
) -> None:
    upload(key="k")
    answer = upload(file, key="k", **fields)
    assert answer["statusCode"] == 422
    assert "Idempotency-Key" in body_of(answer)["detail"]
    assert len(account.rows()) == 1


def test_a_fresh_registry_password_is_no_different_request(account: Account) -> None:
    def push(password: str) -> str:
        return started(key="k", registry_url=OTHER_REPOSITORY, username="AWS", password=password)

    assert push("one") == push("two")


def test_nothing_of_the_key_or_the_password_is_kept(account: Account) -> None:
    started(key="my-key", registry_url=OTHER_REPOSITORY, username="AWS", password="pass-word")
    kept = str(account.rows()) + str(account.side_items())
    assert "my-key" not in kept
    assert "pass-word" not in kept


def test_after_its_time_a_key_is_new(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    first = started(key="k")
    later = time.time() + idempotency.KEPT_SECONDS + 1
    monkeypatch.setattr("functions.tasks.idempotency.time.time", lambda: later)
    assert started(key="k") != first


def test_a_refused_request_does_not_use_its_key_up(account: Account) -> None:
    assert upload(key="k", registry_url="evil.example.com/a", username="u", password="p")["statusCode"] == 403
    assert started(key="k")


def test_a_task_that_could_not_be_started_does_not_use_its_key_up(account: Account) -> None:
    with account.without_state_machine():
        assert upload(key="k")["statusCode"] == 503
    (broken,) = account.rows()
    assert started(key="k") != broken["task_id"]


@pytest.mark.parametrize(
    ("key", "status"), [("x", 202), ("x" * 255, 202), ("x" * 256, 422), ("", 422), ("ключ", 422), ("a\tb", 422)]
)
def test_keys_at_the_edge(account: Account, key: str, status: int) -> None:
    assert upload(key=key)["statusCode"] == status


def submission(task: TaskKey, key: str | None = None) -> Submission:
    return Submission(task, "app.py", None, Registry(OWN_REPOSITORY), idempotency=key)


def test_a_request_that_broke_in_the_middle_is_finished_by_the_next(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserved: list[str] = []

    class LostError(BaseException):
        """The function's process is gone."""

    def lost(_: Submissions, submission: Submission, *__: object) -> None:
        reserved.append(submission.task.task_id)
        raise LostError

    with monkeypatch.context() as broken:
        broken.setattr(Submissions, "submit", lost)
        broken.setattr(idempotency.IdempotencyKeys, "forget", lambda *_: None)
        with pytest.raises(LostError):
            upload(key="k")
    assert account.is_empty()
    assert started(key="k") == reserved[0]
    assert account.executions() == reserved


def test_a_task_that_was_recorded_but_not_started_is_started_by_the_next(account: Account) -> None:
    first = started(key="k")
    with account.without_state_machine():
        pass  # its executions are gone with it
    assert account.executions() == []
    assert started(key="k") == first
    assert account.executions() == [first]


def test_many_at_once_make_one_task(account: Account, at_once: Callable[[Callable[[], str], int], list[str]]) -> None:
    submissions = Submissions.of(SubmissionSettings.read())

    def send() -> str:
        with idempotent_task(submissions.tasks, WORKSPACE, "k", ("request",)) as task:
            if task.row is None:
                submissions.submit(submission(task.key, task.digest), SOURCE)
            return task.key.task_id

    assert len(set(at_once(send, 8))) == 1
    assert len(account.rows()) == len(account.executions()) == 1
