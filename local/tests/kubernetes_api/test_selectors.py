"""Selectors: over HTTP, and against a model that evaluates the requirements directly."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api.errors import ApiError
from local.kubernetes.api.selectors import (
    match_label_selector,
    parse_field_selector,
    parse_label_selector,
)
from local.tests.kubernetes_api.conftest import Http, spinapp, spinapps

KEYS = st.sampled_from(["a", "b", "example.com/c", "d.e"])
VALUES = st.sampled_from(["", "1", "x", "y-z", "A_b.c"])
LABELS = st.dictionaries(KEYS, VALUES)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {"key": KEYS, "operator": st.sampled_from(["In", "NotIn"]), "values": st.lists(VALUES, min_size=1, max_size=3)}
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)


def holds(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    present, value = expression["key"] in labels, labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return present and value in expression["values"]
        case "NotIn":
            return not (present and value in expression["values"])
        case "Exists":
            return present
    return not present


@given(st.lists(EXPRESSIONS, max_size=4), LABELS, LABELS)
def test_text_and_object_forms_agree_with_the_model(
    expressions: list[dict[str, Any]], equal: dict[str, str], labels: dict[str, str]
) -> None:
    selector = {"matchLabels": equal, "matchExpressions": expressions}
    expected = all(labels.get(k) == v for k, v in equal.items()) and all(holds(e, labels) for e in expressions)
    assert match_label_selector(selector, labels) == expected
    assert parse_label_selector(as_text(equal, expressions))(labels) == expected


def as_text(equal: dict[str, str], expressions: list[dict[str, Any]]) -> str:
    """The selector as a client writes it into a query."""
    forms = {
        "In": "{key} in ({values})",
        "NotIn": "{key} notin ({values})",
        "Exists": "{key}",
        "DoesNotExist": "!{key}",
    }
    parts = [f"{key}={value}" for key, value in equal.items()]
    for item in expressions:
        parts.append(forms[item["operator"]].format(key=item["key"], values=",".join(item.get("values", ()))))
    return ",".join(parts)


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_refused_with_400(text: str) -> None:
    for parse in (parse_label_selector, lambda text: parse_field_selector(text, ["metadata.name"])):
        codes = []
        try:
            parse(text)
        except ApiError as error:
            codes.append(error.code)
        assert codes in ([], [400])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", True),
        ("a==1", True),
        ("a!=1", False),
        ("missing!=1", True),
        ("a in (1,2),b", True),
        ("a notin (1, 2)", False),
        ("!a", False),
        ("!missing", True),
        ("", True),
    ],
)
def test_label_selector_forms(text: str, expected: bool) -> None:
    assert parse_label_selector(text)({"a": "1", "b": "", "n": "7"}) is expected


@pytest.mark.parametrize("text", ["a=b=c", "a in 1", "n>5", "=x", "a b", "a=!", "bad key=1", "a,,b", "-x"])
def test_malformed_label_selectors_are_refused(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_label_selector(text)
    assert caught.value.code == 400


def test_absent_selector_selects_nothing_and_empty_one_everything() -> None:
    assert not match_label_selector(None, {"a": "1"})
    assert match_label_selector({}, {"a": "1"})


def test_lists_are_selected_by_labels_and_fields(http: Http, namespace: str) -> None:
    for name in ("a", "b"):
        http.ok("POST", spinapps(namespace), spinapp(name))

    def names(**query: str) -> list[str]:
        return [item["metadata"]["name"] for item in http.ok("GET", spinapps(namespace), **query)["items"]]

    assert names(labelSelector="app=b") == ["b"]
    assert names(labelSelector="app in (a,b),team") == ["a", "b"]
    assert names(labelSelector="app!=b") == ["a"]
    assert names(labelSelector="nope") == []
    assert names(fieldSelector="metadata.name=b") == ["b"]
    assert names(fieldSelector=f"metadata.name!=b,metadata.namespace={namespace}") == ["a"]
    status = http.refused(400, "GET", spinapps(namespace), fieldSelector="spec.enableAutoscaling=false")
    assert status["message"].endswith("field label not supported: spec.enableAutoscaling")
    assert http.refused(400, "GET", spinapps(namespace), labelSelector="a in 1")["reason"] == "BadRequest"
