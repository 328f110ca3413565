"""Variables and their templates."""

import pytest
from builder.source.templates import TemplateError
from hypothesis import given, settings
from hypothesis import strategies as st

from local.spin_host.variables import (
    AppVariables,
    ComponentVariables,
    InvalidNameError,
    UndefinedVariableError,
)

APP = AppVariables({"host": "example.com", "token": None, "empty": ""}, {"SPIN_VARIABLE_HOST": "from.env"})


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{host}}", "from.env"),
        ("https://{{ host }}/{{host}}", "https://from.env/from.env"),
        ("[{{ empty }}]", "[]"),
        ("a } b }} c { d", "a } b }} c { d"),
    ],
)
def test_rendering(template: str, value: str) -> None:
    assert APP.render(template) == value


def test_a_required_variable_without_a_value() -> None:
    assert APP.missing() == ["token"]
    with pytest.raises(UndefinedVariableError, match="SPIN_VARIABLE_TOKEN"):
        APP.render("{{ token }}")


@pytest.mark.parametrize("template", ["{{ host", "{{ host }} {{"])
def test_unmatched_braces(template: str) -> None:
    with pytest.raises(TemplateError):
        APP.render(template)


@pytest.mark.parametrize("name", ["", "Host", "a-b", "_a", "a__b", "a_", "1a", "a b"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InvalidNameError):
        ComponentVariables(APP, {}, "main").get(name)


def test_a_component_has_no_names_but_its_own() -> None:
    component = ComponentVariables(APP, {"url": "http://{{ host }}"}, "main")
    assert (component.names(), component.get("url")) == (["url"], "http://from.env")
    with pytest.raises(UndefinedVariableError):
        component.get("host")


@settings(deadline=None)
@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_braces_is_itself(text: str) -> None:
    assert APP.render(text) == text
