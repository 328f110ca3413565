"""Build slots under every order of arrivals, ends and crashes: none twice, none idle, none lost, and in fair turns."""

import functools
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.contracts.task import TaskKey
from functions.tasks import slot_pools, slot_repair
from functions.tasks.admission import Admission, TaskOverError
from functions.tasks.identifiers import new_task_id
from functions.tasks.settings import SlotSettings
from functions.tasks.slot_pools import pool_of, pools, slots_in, slots_key
from functions.tasks.slot_repair import SlotFindings, repair
from functions.tasks.store import TaskStore
from tests.support.aws_account import TABLE, Account
from tests.support.slots import take
from tests.support.tasks import create, done, outcomes

SLOTS = 2


class PowerCut(BaseException):
    """The function dies: no handler of its own may notice."""


class World:
    """Executions as Step Functions runs them, up to their builds; any call of a function may be its last."""

    def __init__(self, account: Account, patch: pytest.MonkeyPatch, slots: int = SLOTS) -> None:
        account.reset()
        self.admission = Admission(TaskStore(TABLE), slots)
        self.building: list[TaskKey] = []
        self.begun: list[TaskKey] = []
        self.waiting: dict[str, TaskKey] = {}
        """By token."""
        self.tries_again: list[TaskKey] = []
        """Executions whose function died; Step Functions is about to call it again."""
        self.ended: set[TaskKey] = set()
        self._calls_left: int | None = None
        self._tokens, self._closed = itertools.count(), set[str]()
        patch.setattr(slot_repair, "MOST_POOLS", 2)  # each costs two calls of every run
        self._call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's own, not in its stubs
        patch.setattr(BaseClient, "_make_api_call", lambda client, *about: self._answer(client, *about))

    def _answer(self, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if self._calls_left is not None:
            if self._calls_left == 0:
                raise PowerCut
            self._calls_left -= 1
        if operation != "SendTaskSuccess":
            return self._call(client, operation, arguments)
        token = arguments["taskToken"]
        assert json.loads(arguments["output"])["waited_seconds"] >= 0
        if token not in self.waiting:
            raise ClientError({"Error": {"Code": "TaskTimedOut", "Message": ""}}, operation)
        self._begin(self.waiting.pop(token))
        return {}

    def _begin(self, task: TaskKey) -> None:
        assert task not in self.begun, "built twice"
        self.begun.append(task)
        self.building.append(task)

    def dying_after(self, calls: int | None, work: Callable[[], Any]) -> bool:
        """Do ``work``, which dies after so many calls; whether it lived."""
        self._calls_left = calls
        try:
            work()
        except PowerCut:
            return False
        finally:
            self._calls_left = None
        return True

    def arrive(self, workspace: str, dies_after: int | None = None) -> TaskKey:
        """An execution begins: it takes a free slot, or waits."""
        task = TaskKey(workspace, new_task_id())
        create(task.task_id, workspace_id=workspace)
        if take(self.admission, task):
            self._begin(task)
        else:
            self.wait(task, dies_after)
        return task

    def wait(self, task: TaskKey, dies_after: int | None = None) -> None:
        """One try of WaitForSlot."""
        token = f"token-{next(self._tokens)}"
        self.waiting[token] = task
        if not self.dying_after(dies_after, lambda: self.admission.wait(task, token)) and token in self.waiting:
            del self.waiting[token]
            self.tries_again.append(task)

    def end(self, task: TaskKey, dies_after: int | None = None) -> None:
        """A build ends, or what waits is cancelled; who records it may die before it has given the slot back."""
        done(task.task_id, workspace_id=task.workspace_id)
        self.ended.add(task)
        if task in self.building:
            self.building.remove(task)
        self.waiting = {token: other for token, other in self.waiting.items() if other != task}
        self.tries_again = [other for other in self.tries_again if other != task]
        self.dying_after(dies_after, lambda: self.admission.give_back(task))

    def try_again(self) -> None:
        """Step Functions calls the functions again that died."""
        tasks, self.tries_again = self.tries_again, []
        for task in tasks:
            self.wait(task)

    def reconcile(self, dies_after: int | None = None) -> SlotFindings:
        """One run of the reconciler."""
        found = SlotFindings()
        self.dying_after(dies_after, lambda: vars(found).update(vars(repair(self.admission))))
        return found

    def holders(self) -> dict[str, str]:
        """Who holds the slots of the first pool."""
        return dict(self.admission.pool_number(0).slots.read().holders)

    def check(self) -> None:
        """What holds at every moment."""
        item = self.admission.tasks.table.get_item(Key=slots_key(0)).get("Item", {})
        holders = self.holders()
        assert len(holders) == int(str(item.get("taken", 0))) <= self.admission.slots, "no slot twice"
        assert {task.task_id for task in self.building} <= holders.keys(), "nobody builds without one"

    def check_busy(self) -> None:
        """What holds when nobody has died since the reconciler ran."""
        self.check()
        idle = self.admission.slots - len(self.building)
        assert idle == 0 or not self.waiting, "no slot is idle while somebody waits"


@pytest.fixture
def world(account: Account, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(account, monkeypatch)


def test_a_build_that_finds_a_slot_free_does_not_wait(world: World) -> None:
    for _ in range(SLOTS):
        world.arrive("a")
    assert len(world.building) == SLOTS
    assert not world.waiting
    world.arrive("a")
    assert len(world.building) == SLOTS
    assert len(world.waiting) == 1


def test_one_workspaces_burst_makes_another_wait_for_one_build(world: World) -> None:
    burst = [world.arrive("burst") for _ in range(6)]
    late = world.arrive("late")
    assert world.admission.ahead_of(late) == 0
    assert [world.admission.ahead_of(task) for task in burst] == [0, 0, 1, 2, 3, 4]
    world.end(burst[0])
    assert world.begun == [*burst[:2], late]


def test_while_somebody_waits_nobody_takes_a_slot_past_him(world: World) -> None:
    first = [world.arrive("a") for _ in range(SLOTS)]
    waits = world.arrive("b")
    world.end(first[0], dies_after=1)  # the slot is free, and nobody has been told
    world.arrive("c")
    assert world.begun[SLOTS] == waits


def test_a_slot_is_handed_on_though_the_answer_to_giving_it_back_was_lost(world: World) -> None:
    first = [world.arrive("a") for _ in range(SLOTS)]
    waits = world.arrive("b")
    world.admission.pool(first[0].task_id).slots.release(first[0])  # boto3 tries again by itself
    world.end(first[0])
    assert world.begun[-1] == waits


def test_a_build_that_ended_is_not_waited_for(world: World) -> None:
    task = TaskKey("a", new_task_id())
    create(task.task_id, workspace_id="a")
    done(task.task_id, workspace_id="a")
    with pytest.raises(TaskOverError):
        world.admission.wait(task, "token")


def test_what_waited_and_was_cancelled_is_passed_over(world: World) -> None:
    for _ in range(SLOTS):
        world.arrive("a")
    cancelled, waits = world.arrive("b"), world.arrive("b")
    world.end(cancelled, dies_after=0)
    world.end(world.building[0])
    assert world.begun[-1] == waits
    world.check_busy()


def test_the_token_goes_with_the_wait(world: World) -> None:
    for _ in range(SLOTS):
        world.arrive("a")
    task = world.arrive("a")
    row = world.admission.tasks.get(task)
    assert row is not None
    assert row.slot_token in world.waiting
    assert outcomes().fail(task, "cancelled")
    assert (row := world.admission.tasks.get(task)) is not None
    assert row.slot_token is None


@pytest.mark.parametrize("calls", range(9))
def test_whoever_gives_back_may_die_at_any_call(world: World, calls: int) -> None:
    first = [world.arrive("a") for _ in range(SLOTS)]
    waits = [world.arrive("b"), world.arrive("a")]
    world.end(first[0], dies_after=calls)
    world.reconcile()
    world.check_busy()
    assert world.begun == [*first, waits[0]]
    world.end(first[1])
    assert world.begun == [*first, *waits]


@pytest.mark.parametrize("calls", range(9))
def test_whoever_waits_may_die_at_any_call(world: World, calls: int) -> None:
    first = [world.arrive("a") for _ in range(SLOTS)]
    world.end(first[0], dies_after=0)  # its slot is held by nobody who builds
    task = world.arrive("b", dies_after=calls)
    world.try_again()
    world.reconcile()
    assert task in world.begun
    world.check_busy()


@pytest.mark.parametrize("calls", range(14))
def test_the_reconciler_may_die_at_any_call(world: World, calls: int) -> None:
    first = [world.arrive("a") for _ in range(SLOTS)]
    waits = world.arrive("b")
    world.end(first[0], dies_after=0)
    world.reconcile(dies_after=calls)
    world.reconcile()
    assert world.begun == [*first, waits]
    world.check_busy()


def test_what_was_found_is_told(world: World) -> None:
    first = [world.arrive("a") for _ in range(SLOTS)]
    for workspace in "bcd":
        world.arrive(workspace)
    world.end(first[0], dies_after=0)
    assert world.reconcile() == SlotFindings(waiting=2, returned=1)
    assert world.reconcile() == SlotFindings(waiting=2, returned=0)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(("arrive", "arrive", "end", "cancel", "retry", "reconcile")),
        st.sampled_from("abc"),
        st.none() | st.integers(0, 8),
    ),
    max_size=14,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=_STEPS, slots=st.integers(1, 3))
def test_whatever_happens_every_build_that_waits_is_built_in_the_end(
    account: Account, steps: list[tuple[str, str, int | None]], slots: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        world = World(account, patch, slots)
        arrived = set()
        for action, workspace, dies_after in steps:
            if action == "arrive":
                arrived.add(world.arrive(workspace, dies_after))
            elif action == "end" and world.building:
                world.end(world.building[0], dies_after)
            elif action == "cancel" and world.waiting:
                world.end(next(iter(world.waiting.values())), dies_after)
            elif action == "retry":
                world.try_again()
            elif action == "reconcile":
                world.reconcile(dies_after)
            world.check()
        world.try_again()
        world.reconcile()
        world.check_busy()
        cancelled = world.ended - set(world.begun)
        while world.building:
            world.end(world.building[0])
            world.check_busy()
        assert set(world.begun) == arrived - cancelled
        world.reconcile()
        assert world.holders() == {}
        assert world.admission.pool_number(0).queue.waiting() == []
        assert take(world.admission, TaskKey("a", new_task_id())), "the next one finds its slot at once"


def test_many_at_once_get_each_slot_once(
    account: Account, at_once: Callable[[Callable[[], str], int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(account, monkeypatch, slots=3)
    workspaces = itertools.cycle("abc")

    def build() -> str:
        world.arrive(next(workspaces))
        return ""

    at_once(build, 12)
    world.check_busy()
    while world.building:
        at_once(functools.partial(_end_next, world, iter(list(world.building))), len(world.building))
        world.check_busy()
    assert len(set(world.begun)) == 12


def _end_next(world: World, tasks: Iterator[TaskKey]) -> str:
    world.end(next(tasks))
    return ""


class TestPools:
    """Several pools: what one item of the table cannot hold."""

    def test_slots_are_divided_without_a_rest(self) -> None:
        for slots in (1, 399, 400, 401, 1201, slot_pools.MOST_SLOTS):
            shares = [slots_in(pool, slots) for pool in range(pools(slots))]
            assert sum(shares) == slots
            assert max(shares) <= slot_pools.POOL
            assert max(shares) - min(shares) <= 1

    @given(slots=st.integers(1, slot_pools.MOST_SLOTS), number=st.integers(0, 255))
    def test_every_task_has_a_pool(self, slots: int, number: int) -> None:
        assert 0 <= pool_of(f"{new_task_id()[:-2]}{number:02x}", slots) < pools(slots)

    def test_builds_are_moved_out_of_a_pool_that_is_closed(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(slot_pools, "POOL", 1)
        while not all(len(world.admission.pool_number(pool).slots.read().holders) for pool in (0, 1)):
            world.arrive("a")
        waits = set(world.waiting.values())
        before = list(world.building)
        world.admission = Admission(world.admission.tasks, 1)
        while pool_of(world.arrive("b").task_id, 2) != 1:
            pass
        world.reconcile()
        for task in before:
            world.end(task)
        world.reconcile()  # the slot of the pool that is closed
        while world.building:
            world.end(world.building[0])
        assert not world.waiting
        assert waits <= set(world.begun)


def test_the_settings_say_how_many(account: Account) -> None:
    assert Admission.of(SlotSettings.read()).slots == SLOTS
