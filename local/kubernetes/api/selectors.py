"""Label and field selectors, as text in a query and as objects in a spec.

Grammar: k8s.io/apimachinery `pkg/labels/selector.go` and `pkg/fields`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from local.kubernetes.api import names
from local.kubernetes.api.errors import bad_request
from local.kubernetes.api.paths import at

Labels = Mapping[str, str]
LabelMatcher = Callable[[Labels], bool]
ObjectMatcher = Callable[[dict[str, Any]], bool]

_KEY = r"[-A-Za-z0-9_./]+"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_KEY})\s*(==|!=|=)\s*([-A-Za-z0-9_.]*)")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
_FIELD = re.compile(r"([\w./]+)(==|!=|=)(.*)")


def parse_label_selector(text: str | None) -> LabelMatcher:
    """Parse a selector such as ``app=a,tier in (x, y),!old``. Raises ApiError 400 when it cannot be parsed."""
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", text or "")]
    if parts == [""]:
        return lambda _labels: True
    requirements = [_requirement(part, text or "") for part in parts]
    return lambda labels: all(requirement(labels) for requirement in requirements)


def _requirement(part: str, whole: str) -> LabelMatcher:
    if match := _SET.fullmatch(part):
        values = {value.strip() for value in match[3].split(",")}
        _check(match[1], values, whole)
        return _in(match[1], values) if match[2] == "in" else _not_in(match[1], values)
    if match := _EQUALITY.fullmatch(part):
        _check(match[1], {match[3]}, whole)
        return _not_in(match[1], {match[3]}) if match[2] == "!=" else _in(match[1], {match[3]})
    if match := _EXISTS.fullmatch(part):
        _check(match[2], set(), whole)
        return _absent(match[2]) if match[1] else _present(match[2])
    raise bad_request(f"unable to parse requirement: found '{part}' in label selector '{whole}'")


def _check(key: str, values: set[str], whole: str) -> None:
    why = names.qualified_name(key) or next(filter(None, map(names.label_value, values)), None)
    if why:
        raise bad_request(f"unable to parse label selector '{whole}': {why}")


def _in(key: str, values: set[str]) -> LabelMatcher:
    return lambda labels: key in labels and labels[key] in values


def _not_in(key: str, values: set[str]) -> LabelMatcher:
    return lambda labels: labels.get(key) not in values


def _present(key: str) -> LabelMatcher:
    return lambda labels: key in labels


def _absent(key: str) -> LabelMatcher:
    return lambda labels: key not in labels


def match_label_selector(selector: Mapping[str, Any] | None, labels: Labels | None) -> bool:
    """Whether a spec's LabelSelector (`matchLabels`, `matchExpressions`) selects these labels.

    As in Kubernetes, an absent selector selects nothing and an empty one everything.
    """
    if selector is None:
        return False
    labels = labels or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(expression)(labels) for expression in selector.get("matchExpressions") or ())


def _expression(expression: Mapping[str, Any]) -> LabelMatcher:
    key, values = expression["key"], set(expression.get("values") or ())
    match expression["operator"]:
        case "In":
            return _in(key, values)
        case "NotIn":
            return _not_in(key, values)
        case "Exists":
            return _present(key)
        case "DoesNotExist":
            return _absent(key)
        case other:
            raise ValueError(f"unknown label selector operator {other!r}")


def parse_field_selector(text: str | None, known: Collection[str]) -> ObjectMatcher:
    """Parse a selector on an object's fields, such as ``metadata.name=a,status.phase!=Running``.

    ``known``: the fields that the kind can be selected by. Raises ApiError 400 for another, and when it cannot be
    parsed.
    """
    requirements: list[tuple[str, bool, str]] = []
    for part in filter(None, (text or "").split(",")):
        match = _FIELD.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"invalid field selector: '{part}'; can't understand '{part}'")
        if match[1] not in known:
            raise bad_request(f"field label not supported: {match[1]}")
        requirements.append((match[1], match[2] != "!=", match[3]))

    def matches(obj: dict[str, Any]) -> bool:
        return all((_scalar(obj, path) == value) == equal for path, equal, value in requirements)

    return matches


def _scalar(obj: Any, path: str) -> str:
    value = at(obj, path, "")
    return str(value).lower() if isinstance(value, bool) else str(value)
