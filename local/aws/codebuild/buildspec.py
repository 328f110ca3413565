"""Reads a buildspec, the file that says what a build runs: ``env.variables``, and the ``commands`` of each phase.

Everything else that a buildspec may have is refused: this machine would not do what it says.
Reference: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html.
"""

import contextlib
import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import yaml

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BuildspecError(Exception):
    """The buildspec cannot be run; the message becomes the DOWNLOAD_SOURCE phase's context."""


class PhaseName(StrEnum):
    """Phases that run commands, in their order."""

    INSTALL = "install"
    PRE_BUILD = "pre_build"
    BUILD = "build"
    POST_BUILD = "post_build"


@dataclass(frozen=True, slots=True)
class Buildspec:
    """A buildspec that has been checked."""

    variables: Mapping[str, str]
    phases: Mapping[PhaseName, tuple[str, ...]]
    """Commands."""


def parse(text: str) -> Buildspec:
    """Parse YAML or JSON. Raises `BuildspecError`."""
    try:
        document = _load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise BuildspecError(f"The buildspec is not valid YAML: {error}") from error
    document = _mapping(document, "the buildspec", {"version", "env", "phases"})
    if str(document.get("version")) != "0.2":
        raise BuildspecError(f"Unknown buildspec version: {document.get('version')}; use 0.2")
    env = _mapping(document.get("env"), "env", {"variables"})
    phases = _mapping(document.get("phases"), "phases", set(PhaseName))
    if not phases:
        raise BuildspecError("The buildspec has no phases")
    return Buildspec(
        variables=_variables(_mapping(env.get("variables"), "env.variables")),
        phases={name: _commands(phases[name], f"phases.{name}") for name in PhaseName if name in phases},
    )


def _load(text: str) -> Any:
    if text.lstrip().startswith("{"):
        # Nearly all JSON is YAML, but not characters escaped as a surrogate pair.
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return yaml.safe_load(text)


def _commands(phase: Any, where: str) -> tuple[str, ...]:
    commands = _mapping(phase, where, {"commands"}).get("commands") or []
    if not isinstance(commands, list):
        raise BuildspecError(f"Expected {where}.commands to be a list")
    for index, command in enumerate(commands):
        if not isinstance(command, str):
            # An unquoted "key: value" in a command is the usual cause.
            raise BuildspecError(f"Expected {where}.commands[{index}] to be of string type; quote the command")
    return tuple(commands)


def _variables(content: Mapping[Any, Any]) -> dict[str, str]:
    for name, value in content.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BuildspecError(f"env.variables: {name!r} is not a variable name")
        if not isinstance(value, str):
            raise BuildspecError(f"Expected env.variables.{name} to be of string type; quote the value")
    return dict(content)


def _mapping(value: Any, where: str, known: Container[str] | None = None) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BuildspecError(f"Expected {where} to be a map")
    for key in value:
        if known is not None and key not in known:
            raise BuildspecError(f"{key} in {where} is not supported on this machine")
    return value
