"""Callers who wait: how many a function holds back at once, of one workspace and of all."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.contracts import settings
from functions.dynamodb import written_if
from functions.models.workspaces import WorkspaceWritten
from functions.tasks import long_poll, waiting
from functions.tasks.store import TaskStore
from functions.tasks.waiting import TooManyWaitingError, WaitingRoom
from functions.tenancy.policies import Policies
from tests.support.aws_account import POLICY_TABLE, TABLE, Account
from tests.support.build_api import SOURCE, WORKSPACE, call, request, started
from tests.support.events import body_of, http_event, upload_event
from tests.support.isolation import AUTHORIZERS, principals

Room = Callable[..., WaitingRoom]


@pytest.fixture
def room(account: Account) -> Room:
    """A workspace's places at one function, two unless told otherwise, of three for all."""

    def made(workspace_id: str | None = WORKSPACE, most: int = 2, most_of_all: int = 3) -> WaitingRoom:
        return WaitingRoom(TaskStore(TABLE), "builds", workspace_id, most, most_of_all)

    return made


@pytest.fixture
def limits(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, int], None]]:
    """Sets the limits of one workspace and of all."""

    def set_to(one: int, of_all: int) -> None:
        monkeypatch.setenv("LIMITS_WAITING_REQUESTS", str(one))
        monkeypatch.setenv("LIMITS_ALL_WAITING_REQUESTS", str(of_all))
        settings.reset()

    yield set_to
    settings.reset()


def leases(account: Account) -> set[str]:
    """Of all who wait."""
    items = [item for item in account.side_items() if item["workspace_id"] == "#waiting"]
    return set().union(*(item.get("all", set()) for item in items))


class TestPlaces:
    def test_of_a_workspace_on_both_sides(self, room: Room) -> None:
        with room().place(5), room().place(5):
            with pytest.raises(TooManyWaitingError, match=rf"Workspace '{WORKSPACE}' has .* as it may \(2\)"):
                room().place(5).__enter__()
            with room("other-workspace").place(5):
                pass

    def test_of_all_on_both_sides(self, room: Room) -> None:
        full = pytest.raises(TooManyWaitingError, match=r"The service has .* as it may \(3\)")
        with room("a").place(5), room("b").place(5), room("c").place(5), full:
            room("d").place(5).__enter__()
        with room("d").place(5):
            pass

    def test_of_no_workspace(self, room: Room) -> None:
        with room(None).place(5), room(None).place(5), pytest.raises(TooManyWaitingError, match="The service has"):
            room(None).place(5).__enter__()

    def test_of_another_function_are_others(self, room: Room) -> None:
        with room(most=1).place(5), WaitingRoom(TaskStore(TABLE), "deploy", WORKSPACE, 1, 1).place(5):
            pass

    def test_are_given_back_whatever_happens(self, account: Account, room: Room) -> None:
        for _ in range(4):
            with pytest.raises(RuntimeError, match="the wait broke"):
                self._break_in(room(most=1))
        assert leases(account) == set()

    @staticmethod
    def _break_in(room: WaitingRoom) -> None:
        with room.place(5):
            raise RuntimeError("the wait broke")

    def test_of_those_who_were_killed_end_by_themselves(
        self, account: Account, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        killed = [room(name).place(25) for name in ("a", "a", "b")]
        for each in killed:
            each.__enter__()
        for workspace in ("a", "c"):
            with pytest.raises(TooManyWaitingError):
                room(workspace).place(5).__enter__()
        later = time.time() + 25 + waiting._SPARE_SECONDS + 2
        monkeypatch.setattr("functions.tasks.waiting.time.time", lambda: later)
        with room("a").place(5), room("c").place(5):
            assert len(leases(account)) == 2

    def test_that_could_not_be_given_back_spoil_no_answer(
        self, account: Account, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as out_of_reach, room().place(5):
            out_of_reach.setattr(TaskStore, "table", TaskStore("no-such-table").table)
        assert len(leases(account)) == 1

    @pytest.mark.usefixtures("one_call_at_a_time")
    def test_that_everybody_wants_at_once(self, account: Account, room: Room) -> None:
        together = threading.Barrier(12)

        def one(_: int) -> bool:
            together.wait(30)
            try:
                with room(most=5, most_of_all=50).place(5):
                    together.wait(30)
            except TooManyWaitingError:
                together.wait(30)
                return False
            return True

        with ThreadPoolExecutor(12) as pool:
            assert sum(pool.map(one, range(12))) == 5
        assert leases(account) == set()

    def test_that_somebody_has_just_left(self, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
        """The write finds no place, the look finds one: the next write takes it."""
        answers = itertools.chain([False], itertools.repeat(None))

        def once_full(*arguments: object, **options: object) -> bool:
            return bool(written_if(*arguments, **options)) if next(answers) is None else False

        monkeypatch.setattr(waiting, "written_if", once_full)
        with room().place(5):
            pass


class Clock:
    """Time that goes only when somebody sleeps or works."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("first_look", [0, 4, 30])
def test_a_slow_first_look_makes_no_wait_longer(room: Room, monkeypatch: pytest.MonkeyPatch, first_look: float) -> None:
    """The function has 28 seconds in all, and is ended in the middle of its answer when they are over."""
    clock, looks = Clock(), itertools.chain([first_look], itertools.repeat(0.0))
    monkeypatch.setattr(long_poll, "time", clock)

    def look() -> str:
        clock.sleep(next(looks))
        return "nothing new"

    began = clock.now
    assert long_poll.poll(look, lambda _: False, 25, room()) == "nothing new"
    assert clock.now - began == pytest.approx(max(25, first_look))


class TestRequests:
    @pytest.mark.parametrize("path", ["/api/v1/tasks/{}", "/api/v1/tasks/{}/logs"])
    def test_that_find_no_place_say_when_to_come_again(
        self, room: Room, limits: Callable[[int, int], None], path: str
    ) -> None:
        limits(1, 3)
        path = path.format(started())
        with room(most=1).place(5):
            answer = request("GET", path, workspace_id=WORKSPACE, wait=1)
            assert answer["statusCode"] == 429
            assert answer["headers"]["Retry-After"] == str(waiting.RETRY_SECONDS)
            assert "without `wait`" in body_of(answer)["detail"]
            assert request("GET", path, workspace_id=WORKSPACE)["statusCode"] == 200
        assert request("GET", path, workspace_id=WORKSPACE, wait=1)["statusCode"] == 200

    def test_that_need_not_wait_need_no_place(self, room: Room, limits: Callable[[int, int], None]) -> None:
        limits(1, 1)
        task_id = started()
        request("DELETE", f"/api/v1/tasks/{task_id}", workspace_id=WORKSPACE)
        with room(most=1, most_of_all=1).place(5):
            for path in (f"/api/v1/tasks/{task_id}", f"/api/v1/tasks/{task_id}/logs"):
                assert request("GET", path, workspace_id=WORKSPACE, wait=20)["statusCode"] == 200

    def test_that_wait_leave_nothing_behind(self, account: Account) -> None:
        request("GET", f"/api/v1/tasks/{started()}", workspace_id=WORKSPACE, wait=1)
        assert leases(account) == set()

    def test_of_a_workspace_with_a_limit_of_its_own(
        self, account: Account, room: Room, limits: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limits(20, 60)
        monkeypatch.setenv("TENANCY", "policy")
        settings.reset()
        policy = {"principals": principals("team-a"), "limits": {"waiting_requests": 1}}
        written = WorkspaceWritten.model_validate(policy)
        Policies(POLICY_TABLE).write(WORKSPACE, written, "set-up", None)
        task_id = _started_by("team-a")
        with room(most=1).place(5):
            assert _waited_by("team-a", task_id) == 429
        assert _waited_by("team-a", task_id) == 200


def _as(team: str, event: dict[str, object]) -> dict[str, object]:
    context = event["requestContext"]
    assert isinstance(context, dict)
    context["authorizer"] = AUTHORIZERS["iam"](team)
    return event


def _started_by(team: str) -> str:
    answer = call(_as(team, upload_event({"workspace_id": WORKSPACE}, ("app.py", SOURCE))))
    assert answer["statusCode"] == 202, answer["body"]
    return str(body_of(answer)["task_id"])


def _waited_by(team: str, task_id: str) -> int:
    query = {"workspace_id": WORKSPACE, "wait": "1"}
    return int(call(_as(team, http_event("GET", f"/api/v1/tasks/{task_id}", query=query)))["statusCode"])
