"""Reading buildspecs."""

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from local.aws.codebuild.buildspec import BuildspecError, OnFailure, PhaseName, parse

NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,20}\Z")
COMMANDS = st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1), max_size=4)
PHASES = st.fixed_dictionaries(
    {"commands": COMMANDS}, optional={"finally": COMMANDS, "on-failure": st.sampled_from(["ABORT", "CONTINUE"])}
)
DOCUMENTS = st.fixed_dictionaries(
    {"version": st.just(0.2), "phases": st.dictionaries(st.sampled_from(list(PhaseName)), PHASES, min_size=1)},
    optional={
        "env": st.fixed_dictionaries(
            {},
            optional={
                "shell": st.sampled_from(["bash", "sh", "/bin/bash", "/bin/sh"]),
                "variables": st.dictionaries(NAMES, st.text(st.characters(exclude_categories=("Cs", "Cc")))),
                "exported-variables": st.lists(NAMES),
            },
        )
    },
)


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, st.sampled_from([json.dumps, lambda value: yaml.safe_dump(json.loads(json.dumps(value)))]))
def test_reads_back_what_was_written(document: dict[str, Any], dump: Any) -> None:
    spec = parse(dump(document))
    env = document.get("env", {})
    assert spec.variables == env.get("variables", {})
    assert list(spec.exported_variables) == env.get("exported-variables", [])
    assert spec.shell == env.get("shell", "sh").rpartition("/")[2]
    assert list(spec.phases) == [name for name in PhaseName if name in document["phases"]]
    for name, phase in spec.phases.items():
        written = document["phases"][name]
        assert list(phase.commands) == written["commands"]
        assert list(phase.cleanup) == written.get("finally", [])
        assert phase.on_failure == written.get("on-failure", OnFailure.DEFAULT)


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
        ("version: 0.2\nphases: {test: {commands: [x]}}", "Unknown phases: test"),
        ("version: 0.2\nphases: {build: {commands: x}}", "phases.build.commands to be a list"),
        ("version: 0.2\nphases: {build: {commands: [echo a: b]}}", "commands[0] to be of string type"),
        ("version: 0.2\nphases: {build: {run-as: root, commands: [x]}}", "run-as"),
        ("version: 0.2\nphases: {build: {on-failure: RETRY, commands: [x]}}", "RETRY is not supported"),
        ("version: 0.2\nenv: {shell: fish}\nphases: {build: {commands: [x]}}", "env.shell: fish"),
        ("version: 0.2\nenv: {variables: {A-B: 1}}\nphases: {build: {commands: [x]}}", "'A-B' is not a variable name"),
        (
            "version: 0.2\nenv: {exported-variables: ['$(id)']}\nphases: {build: {commands: [x]}}",
            "is not a variable name",
        ),
        ("version: 0.2\nenv: {variables: {A: [1]}}\nphases: {build: {commands: [x]}}", "env.variables.A"),
        ("version: 0.2\nphases: [", "not valid YAML"),
        ("just text", "the buildspec to be a map"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(BuildspecError) as refused:
        parse(text)
    assert message in str(refused.value)


def test_variables_become_text() -> None:
    spec = parse("version: 0.2\nenv: {variables: {A: 1, B: true, C: 1.5}}\nphases: {build: {commands: [x]}}")
    assert spec.variables == {"A": "1", "B": "true", "C": "1.5"}
