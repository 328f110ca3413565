"""Names that cannot be used: what is wrong with them, and what could be used instead."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.contracts.name_suggestion import unusable_characters
from functions.contracts.names import SOURCE_APP_NAME, WORKSPACE_ID
from functions.contracts.spelling import NameSpelling
from functions.models.deploy import KUBERNETES_APP_NAME

RULES = [SOURCE_APP_NAME, WORKSPACE_ID, KUBERNETES_APP_NAME]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("한글앱", "hangeulaep"),
        (unicodedata.normalize("NFD", "한글앱"), "hangeulaep"),
        ("결제-서비스", "gyeolje-seobiseu"),
        ("주문 v2", "jumun-v2"),
        ("café", "cafe"),
        ("a b", "a-b"),
        ("-a-", "a"),
        ("a..b", "a-b"),
        ("日本", None),
        ("🚀", None),
        ("", None),
        ("a" * 64, "a" * 63),
    ],
)
def test_what_could_be_used(name: str, instead: str | None) -> None:
    assert SOURCE_APP_NAME.nearest(name) == instead


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("한글앱", "hangeulaep"),
        ("MyFn", "myfn"),
        ("My_App.v2", "my-app-v2"),
        ("2048 Game", "game"),
        ("가" * 52, "ga" * 26),
        ("2048", None),
    ],
)
def test_what_could_be_used_in_a_cluster(name: str, instead: str | None) -> None:
    assert KUBERNETES_APP_NAME.nearest(name) == instead


@given(st.text(max_size=200) | st.text(alphabet="가힣앱한글-._ aZ9", max_size=80), st.sampled_from(RULES))
def test_what_is_suggested_can_be_used(name: str, rule: NameSpelling) -> None:
    instead = rule.nearest(name)
    assert instead is None or rule.allows(instead)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,50}[a-z0-9]", fullmatch=True), st.sampled_from(RULES))
def test_a_name_that_can_be_used_is_not_refused(name: str, rule: NameSpelling) -> None:
    assert rule.allows(name)


@given(st.from_regex(r"[A-Za-z0-9._-]{1,80}", fullmatch=True))
def test_a_name_of_usable_characters_has_no_others(name: str) -> None:
    assert unusable_characters(name, SOURCE_APP_NAME.pattern) == ""


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("한글앱", "한, 글, 앱"),
        ("a한b한", "한"),
        ("a b", "U+0020"),
        ("a\u200bb", "U+200B"),
        ("가나다라마바사아자차카", "가, 나, 다, 라, 마, 바, 사, 아, 자, 차, …"),
    ],
)
def test_which_characters_are_wrong(name: str, wrong: str) -> None:
    assert unusable_characters(name, SOURCE_APP_NAME.pattern) == wrong
