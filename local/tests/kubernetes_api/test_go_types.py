"""The round trip through Go's types, held against what Go's own decoder and encoder made of the same objects.

``go_round_trip.jsonl``: a SpinApp's spec as it was sent, and either how spin-operator v0.6.1's types encode it or the
decoder's error (sigs.k8s.io/json and k8s.io/api v0.33.1).
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes.api.go_types import GoDecodingError, overlay, round_trip
from local.kubernetes.api.quantities import canonical_quantity, parse_quantity

CASES = [json.loads(line) for line in Path(__file__).with_name("go_round_trip.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["sent"])[:60])
def test_as_go_does_it(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(GoDecodingError) as caught:
            round_trip("SpinApp", "spec", case["sent"])
        assert str(caught.value) == case["error"]
    else:
        assert round_trip("SpinApp", "spec", case["sent"]) == case["encoded"]


def test_the_first_wrong_type_is_told_and_a_wrong_quantity_before_it() -> None:
    with pytest.raises(GoDecodingError, match=r"SpinAppSpec\.spec\.image of type string"):
        round_trip("SpinApp", "spec", {"replicas": "a", "image": 1})
    with pytest.raises(GoDecodingError, match="quantities must match"):
        round_trip("SpinApp", "spec", {"image": 1, "resources": {"limits": {"cpu": "many"}}})


def test_what_go_leaves_out_stays_and_what_it_adds_is_added() -> None:
    sent = {"replicas": 0, "checks": {"readiness": {"httpGet": {"path": "/"}}}, "variables": [{"name": "a"}]}
    encoded = {"checks": {"readiness": {"httpGet": {"path": "/", "httpHeaders": None}}}, "variables": [{"name": "b"}]}
    assert overlay(sent, encoded) == {"replicas": 0, **encoded}


@given(
    number=st.decimals(min_value=0, max_value=10**12, places=3),
    suffix=st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E-3"]),
)
def test_a_canonical_quantity_is_the_same_amount_and_stays_as_it_is(number: Any, suffix: str) -> None:
    text = f"{number:f}{suffix}"
    canonical = canonical_quantity(text)
    assert parse_quantity(canonical) == parse_quantity(text)
    assert canonical_quantity(canonical) == canonical
