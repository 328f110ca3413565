"""Merge patches (RFC 7386) that lead from any spec to any other."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions.cluster.history import difference, merged

_KEYS = st.sampled_from("abc")
_VALUES = st.recursive(
    st.integers() | st.text(max_size=3) | st.booleans() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(_KEYS, _VALUES, max_size=3)


@given(_OBJECTS, _OBJECTS)
def test_the_difference_leads_there(now: dict[str, Any], then: dict[str, Any]) -> None:
    before = repr(now)
    assert merged(now, difference(now, then)) == then
    assert repr(now) == before


@given(_OBJECTS)
def test_nothing_to_do_is_an_empty_patch(now: dict[str, Any]) -> None:
    assert difference(now, now) == {}
    assert merged(now, {}) == now
