"""Host names under which apps answer from outside: what is one, and which an installation gives."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from functions.models.deploy import DeployOptions
from functions.models.exposure import LONGEST_HOST, Expose, ExposeSettings, HostName

_host = TypeAdapter[str](HostName)
LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
LAST_LABEL = st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
HOSTS = (
    st.tuples(st.lists(LABEL, min_size=1, max_size=7), LAST_LABEL)
    .map(lambda parts: ".".join([*parts[0], parts[1]]))
    .filter(lambda host: len(host) <= LONGEST_HOST)
)
INGRESS = ExposeSettings(kind="Ingress", domains=["apps.example.com"])


def is_host(text: str) -> bool:
    try:
        _host.validate_python(text)
    except ValidationError:
        return False
    return True


@given(HOSTS)
def test_every_dns_name_of_two_parts_or_more_is_one(host: str) -> None:
    assert is_host(host)


@given(st.text(max_size=80))
def test_whatever_is_taken_is_a_name_that_kubernetes_takes(text: str) -> None:
    if is_host(text):
        assert len(text) <= LONGEST_HOST
        labels = text.split(".")
        assert len(labels) >= 2
        assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", label, re.ASCII) for label in labels)
        assert all(len(label) <= 63 for label in labels)


@given(
    HOSTS, st.sampled_from([" ", "/", ":", "*", "_", "@", "é", "\n", "A", "%", "\u0130", "\uff0e"]), st.integers(0, 300)
)
def test_no_other_character_comes_in_anywhere(host: str, character: str, place: int) -> None:
    place = min(place, len(host))
    assert not is_host(host[:place] + character + host[place:])


@pytest.mark.parametrize(
    ("host", "takes"),
    [
        ("a.b", True),
        ("a", False),
        (".a.b", False),
        ("a.b.", False),
        ("a..b", False),
        ("-a.b", False),
        ("a-.b", False),
        ("*.b", False),
        (f"{'a' * 63}.b", True),
        (f"{'a' * 64}.b", False),
        ("10.0.0.1", False),
        ("1.a", True),
        ("a.1", False),
        (".".join(["a" * 62] * 4) + ".a", True),
        (".".join(["a" * 62] * 4) + ".ab", False),
    ],
)
def test_edges(host: str, takes: bool) -> None:
    assert is_host(host) == takes


@given(HOSTS, LABEL)
def test_only_what_is_below_a_domain_is_given(host: str, label: str) -> None:
    settings = ExposeSettings(kind="Ingress", domains=[host])
    assert settings.covers(f"{label}.{host}")
    assert not settings.covers(host)
    assert not settings.covers(f"{label}{host}")


def test_null_is_not_the_same_as_nothing() -> None:
    kept = DeployOptions.model_validate({"namespace": "a", "expose": None})
    taken = DeployOptions.model_validate({"namespace": "a", "expose": {"host": None}})
    assert (kept.expose, taken.expose) == (None, Expose())
    assert DeployOptions.model_validate_json(taken.model_dump_json(exclude_unset=True)).expose == Expose()


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "Service", "domains": ["a.b"]},
        {"kind": "Ingress", "domains": []},
        {"kind": "Ingress", "domains": [".a.b"]},
        {"kind": "Ingress", "domains": ["a.b"], "gateway": {"namespace": "a", "name": "b"}},
        {"kind": "HTTPRoute", "domains": ["a.b"]},
        {"kind": "HTTPRoute", "domains": ["a.b"], "gateway": {"namespace": "a", "name": "b"}, "ingress_class": "x"},
        {"kind": "Ingress", "domains": ["a.b"], "typo": 1},
    ],
)
def test_settings_that_do_not_fit_together(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ExposeSettings.model_validate(settings)


def test_the_address() -> None:
    assert INGRESS.url("a.apps.example.com") == "https://a.apps.example.com/"
