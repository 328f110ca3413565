"""Key conditions that are compared here say what ministack's own evaluation says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb

from local.aws.seams.key_conditions import _compared

NAMES = {"#n0": "workspace_id", "#n1": "task_id"}
CONDITIONS = ["#n0 = :v0", *(f"(#n0 = :v0 AND #n1 {sign} :v1)" for sign in ("=", "<", "<=", ">", ">="))]
ITEM = {"workspace_id": {"S": "a"}, "task_id": {"S": "b"}}
VALUES = {":v0": {"S": "a"}, ":v1": {"S": "b"}}
TEXT = st.text(st.sampled_from("ab\x7fé가𐀀"), max_size=3)
ATTRIBUTE = st.one_of(st.builds(lambda text: {"S": text}, TEXT), st.just({"N": "1"}), st.just({"B": "YQ=="}))


@given(
    condition=st.sampled_from(CONDITIONS),
    item=st.fixed_dictionaries({}, optional={"workspace_id": ATTRIBUTE, "task_id": ATTRIBUTE}),
    values=st.fixed_dictionaries({":v0": ATTRIBUTE, ":v1": ATTRIBUTE}),
)
def test_both_agree(condition: str, item: Any, values: Any) -> None:
    found = _compared(condition, item, values, NAMES)
    if found is not None:
        slot = "KeyConditionExpression"
        assert found == dynamodb._evaluate_condition(condition, item, values, NAMES, slot=slot)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_on_texts_are_compared_here(condition: str) -> None:
    assert _compared(condition, ITEM, VALUES, NAMES) is not None


@pytest.mark.parametrize(
    "condition", ["workspace_id = :v0", "#n0 <> :v0", "begins_with(#n0, :v0)", "#n0 = :v0 OR #n1 = :v1"]
)
def test_all_others_are_left_to_ministack(condition: str) -> None:
    assert _compared(condition, ITEM, VALUES, NAMES) is None
