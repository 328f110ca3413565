"""Reads a buildspec, the file that says what a build runs.

Reference: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html. Read here: ``env`` (shell,
variables, parameter-store, secrets-manager, exported-variables) and ``phases`` (commands, finally, on-failure).
``artifacts``, ``cache``, ``reports``, ``batch``, ``proxy`` and ``runtime-versions`` have no meaning on this machine and
are passed over; ``run-as`` and on-failure ``RETRY`` would change what a command does, so they are refused.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import yaml

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHELLS: Final = {"sh": "sh", "/bin/sh": "sh", "bash": "bash", "/bin/bash": "bash"}
"""``env.shell`` to the executable that is looked up on the build's PATH."""


class BuildspecError(Exception):
    """The buildspec cannot be run; the message becomes the DOWNLOAD_SOURCE phase's context."""


class PhaseName(StrEnum):
    """Phases that run commands, in their order."""

    INSTALL = "install"
    PRE_BUILD = "pre_build"
    BUILD = "build"
    POST_BUILD = "post_build"


class OnFailure(StrEnum):
    """What a failing phase does to the rest of the build."""

    DEFAULT = ""
    """A failed BUILD goes on to POST_BUILD, any other failed phase ends the build."""
    ABORT = "ABORT"
    CONTINUE = "CONTINUE"


@dataclass(frozen=True, slots=True)
class Phase:
    """Commands of one phase; ``cleanup`` is the block that the buildspec calls ``finally``."""

    commands: tuple[str, ...] = ()
    cleanup: tuple[str, ...] = ()
    on_failure: OnFailure = OnFailure.DEFAULT


@dataclass(frozen=True, slots=True)
class Buildspec:
    """A buildspec that has been checked."""

    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported_variables: tuple[str, ...] = ()
    phases: Mapping[PhaseName, Phase] = field(default_factory=dict)


def parse(text: str) -> Buildspec:
    """Parse YAML or JSON. Raises `BuildspecError`."""
    try:
        document = _load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise BuildspecError(f"The buildspec is not valid YAML: {error}") from error
    document = _mapping(document, "the buildspec")
    if str(document.get("version")) not in {"0.1", "0.2"}:
        raise BuildspecError(f"Unknown buildspec version: {document.get('version')}; use 0.2")
    env = _mapping(document.get("env"), "env")
    shell = str(env.get("shell", "sh"))
    if shell not in SHELLS:
        raise BuildspecError(f"Unknown env.shell: {shell}; use one of {', '.join(SHELLS)}")
    return Buildspec(
        shell=SHELLS[shell],
        variables=_variables(env, "variables"),
        parameter_store=_variables(env, "parameter-store"),
        secrets_manager=_variables(env, "secrets-manager"),
        exported_variables=tuple(_exported(env)),
        phases=_phases(document),
    )


def _load(text: str) -> Any:
    if text.lstrip().startswith("{"):
        # Nearly all JSON is YAML, but not characters escaped as a surrogate pair.
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return yaml.safe_load(text)


def _phases(document: Mapping[str, Any]) -> dict[PhaseName, Phase]:
    phases = _mapping(document.get("phases"), "phases")
    if not phases:
        raise BuildspecError("The buildspec has no phases")
    if unknown := set(phases) - set(PhaseName):
        raise BuildspecError(f"Unknown phases: {', '.join(sorted(map(str, unknown)))}")
    return {name: _phase(phases[name], name) for name in PhaseName if name in phases}


def _phase(content: Any, name: PhaseName) -> Phase:
    content = _mapping(content, f"phases.{name}")
    if "run-as" in content or "run-as" in (content.get("env") or {}):
        raise BuildspecError(f"phases.{name}.run-as is not supported on this machine")
    on_failure = str(content.get("on-failure") or "")
    if on_failure not in set(OnFailure):
        raise BuildspecError(
            f"phases.{name}.on-failure: {on_failure} is not supported on this machine; use ABORT or CONTINUE"
        )
    return Phase(
        commands=_commands(content.get("commands"), f"phases.{name}.commands"),
        cleanup=_commands(content.get("finally"), f"phases.{name}.finally"),
        on_failure=OnFailure(on_failure),
    )


def _commands(content: Any, where: str) -> tuple[str, ...]:
    if content is None:
        return ()
    if not isinstance(content, list):
        raise BuildspecError(f"Expected {where} to be a list")
    for index, command in enumerate(content):
        if not isinstance(command, str):
            # An unquoted "key: value" in a command is the usual cause.
            raise BuildspecError(f"Expected {where}[{index}] to be of string type; quote the command")
    return tuple(content)


def _variables(env: Mapping[str, Any], key: str) -> dict[str, str]:
    content = _mapping(env.get(key), f"env.{key}")
    return {_variable_name(name, f"env.{key}"): _scalar(value, f"env.{key}.{name}") for name, value in content.items()}


def _exported(env: Mapping[str, Any]) -> list[str]:
    names = env.get("exported-variables") or []
    if not isinstance(names, list):
        raise BuildspecError("Expected env.exported-variables to be a list")
    return [_variable_name(name, "env.exported-variables") for name in names]


def _variable_name(name: Any, where: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BuildspecError(f"{where}: {name!r} is not a variable name")
    return name


def _scalar(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BuildspecError(f"Expected {where} to be of string type")


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BuildspecError(f"Expected {where} to be a map")
    return value
