"""A query by partition key takes as long as its answer is, not as the partition is.

ministack parses and evaluates the key condition anew for each item of the partition: a page of 20,000 items took a
quarter of a second of processor time, in which nothing else was answered. What boto3 writes of texts, the equality of
one key and a comparison of the other, is compared at once; every other condition is ministack's to evaluate.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.services import dynamodb

_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""Texts are in the order of their UTF-8, which is that of their code points."""
_CLAUSE: Final = r"(#\w+) (=|<=?|>=?) (:\w+)"
_CONDITION: Final = re.compile(rf"{_CLAUSE}|\({_CLAUSE} AND {_CLAUSE}\)")
_SLOT: Final = "KeyConditionExpression"

Json = Mapping[str, Any]


def install() -> None:
    """Replace the evaluation of conditions."""
    evaluate = dynamodb._evaluate_condition

    def evaluate_condition(expression: str, item: Json, values: Json, names: Json, slot: str = "") -> Any:
        found = _compared(expression, item, values, names) if slot == _SLOT else None
        options = {"slot": slot} if slot else {}
        return evaluate(expression, item, values, names, **options) if found is None else found

    dynamodb._evaluate_condition = evaluate_condition


def _compared(expression: str, item: Json, values: Json, names: Json) -> bool | None:
    """Return whether the item meets a condition on texts; None of a condition, or an item, that is something else."""
    condition = _CONDITION.fullmatch(expression)
    if condition is None:
        return None
    parts = [part for part in condition.groups() if part is not None]
    for name, comparison, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        left, right = _text(item.get(names.get(name, ""))), _text(values.get(value))
        if left is None or right is None:
            return None
        if not _COMPARISONS[comparison](left, right):
            return False
    return True


def _text(value: Any) -> str | None:
    text = value.get("S") if isinstance(value, dict) and len(value) == 1 else None
    return text if isinstance(text, str) else None
