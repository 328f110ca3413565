"""The rule of build slots by itself: whose turn it is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from functions.contracts.task import TaskKey
from functions.tasks.fair_turns import in_turn

WORKSPACES = st.sampled_from("abcde")
WAITING = st.lists(WORKSPACES, max_size=30).map(
    lambda workspaces: [TaskKey(workspace, f"{number:04}") for number, workspace in enumerate(workspaces)]
)
RUNNING = st.dictionaries(WORKSPACES, st.integers(0, 6))


@given(waiting=WAITING, running=RUNNING)
def test_everybody_has_a_turn_and_a_workspaces_own_builds_go_by_age(
    waiting: list[TaskKey], running: dict[str, int]
) -> None:
    turns = in_turn(waiting, running)
    assert sorted(turns, key=lambda build: build.task_id) == waiting
    for workspace in "abcde":
        own = [build for build in turns if build.workspace_id == workspace]
        assert own == sorted(own, key=lambda build: build.task_id)


@given(waiting=WAITING, running=RUNNING)
def test_each_slot_goes_to_a_workspace_that_has_fewest(waiting: list[TaskKey], running: dict[str, int]) -> None:
    """Max-min fairness: no slot is given to a workspace while another that waits has fewer."""
    held, left = Counter(running), Counter(build.workspace_id for build in waiting)
    for build in in_turn(waiting, running):
        assert held[build.workspace_id] == min(held[workspace] for workspace in left if left[workspace])
        held[build.workspace_id] += 1
        left[build.workspace_id] -= 1


@given(waiting=WAITING, running=RUNNING)
def test_one_slot_after_the_other_is_the_same_as_all_at_once(waiting: list[TaskKey], running: dict[str, int]) -> None:
    held, left, given_out = Counter(running), list(waiting), []
    while left:
        build = in_turn(left, held)[0]
        left.remove(build)
        held[build.workspace_id] += 1
        given_out.append(build)
    assert given_out == in_turn(waiting, running)


@given(others=st.integers(1, 500))
def test_a_workspace_without_a_build_waits_for_one_round_and_not_for_a_burst(others: int) -> None:
    burst = [TaskKey("burst", f"{number:04}") for number in range(others)]
    late = TaskKey("late", "9999")
    assert in_turn([*burst, late], {"burst": 2})[0] == late
    assert in_turn([*burst, late], {}).index(late) == 1


@given(waiting=st.lists(st.sampled_from("ab"), min_size=1, max_size=10))
def test_with_one_slot_two_workspaces_take_turns(waiting: list[str]) -> None:
    left = [TaskKey(workspace, f"{number:04}") for number, workspace in enumerate(waiting)]
    ran = ["a"]
    while left:
        build = in_turn(left, {}, ran[-1])[0]
        # What begins next is what was said while the other still ran.
        assert build == in_turn(left, {ran[-1]: 1})[0]
        assert build.workspace_id != ran[-1] or {build.workspace_id for build in left} == {ran[-1]}
        left.remove(build)
        ran.append(build.workspace_id)
