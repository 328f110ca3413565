"""Reading buildspecs."""

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from local.aws.codebuild.buildspec import BuildspecError, PhaseName, parse

NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,20}\Z")
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")))
COMMANDS = st.fixed_dictionaries({"commands": st.lists(TEXT.filter(bool), max_size=4)})
DOCUMENTS = st.fixed_dictionaries(
    {"version": st.just(0.2), "phases": st.dictionaries(st.sampled_from(list(PhaseName)), COMMANDS, min_size=1)},
    optional={"env": st.fixed_dictionaries({}, optional={"variables": st.dictionaries(NAMES, TEXT)})},
)


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, st.sampled_from([json.dumps, lambda value: yaml.safe_dump(json.loads(json.dumps(value)))]))
def test_reads_back_what_was_written(document: dict[str, Any], dump: Any) -> None:
    spec = parse(dump(document))
    assert spec.variables == document.get("env", {}).get("variables", {})
    assert list(spec.phases) == [name for name in PhaseName if name in document["phases"]]
    for name, commands in spec.phases.items():
        assert list(commands) == document["phases"][name]["commands"]


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BuildspecError):
        assert parse(text).phases


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 0.3\nphases: {build: {commands: [x]}}", "version: 0.3"),
        ("phases: {build: {commands: [x]}}", "version: None"),
        ("version: 0.2", "no phases"),
        ("version: 0.2\nphases: {test: {commands: [x]}}", "test in phases is not supported"),
        ("version: 0.2\nphases: {build: {commands: x}}", "phases.build.commands to be a list"),
        ("version: 0.2\nphases: {build: {commands: [echo a: b]}}", "commands[0] to be of string type"),
        ("version: 0.2\nphases: {build: {run-as: root, commands: [x]}}", "run-as"),
        (
            "version: 0.2\nphases: {build: {on-failure: RETRY, commands: [x]}}",
            "on-failure in phases.build is not supported",
        ),
        ("version: 0.2\nphases: {build: {finally: [x], commands: [x]}}", "finally in phases.build is not supported"),
        ("version: 0.2\nenv: {shell: bash}\nphases: {build: {commands: [x]}}", "shell in env is not supported"),
        ("version: 0.2\ncache: {}\nphases: {build: {commands: [x]}}", "cache in the buildspec is not supported"),
        ("version: 0.2\nenv: {variables: {A-B: 1}}\nphases: {build: {commands: [x]}}", "'A-B' is not a variable name"),
        ("version: 0.2\nenv: {variables: {A: [1]}}\nphases: {build: {commands: [x]}}", "env.variables.A"),
        ("version: 0.2\nphases: [", "not valid YAML"),
        ("just text", "the buildspec to be a map"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(BuildspecError) as refused:
        parse(text)
    assert message in str(refused.value)
