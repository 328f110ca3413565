"""Programs that `go build` makes from the Go module proxy, as a go.mod in this repository pins them."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PARALLEL: Final = 2
"""Packages compiled at a time: the large ones take up to a gigabyte of memory each."""


class MissingError(Exception):
    """Something that a part needs is not on the machine. The message is one line that names it."""


def required(module: Path, name: str) -> str:
    """Return the version of ``name`` that the go.mod in the folder ``module`` requires.

    Raises
    ------
    MissingError
        It requires none.
    """
    found = re.search(rf"^\t{re.escape(name)} (v\S+)", (module / "go.mod").read_text("utf-8"), flags=re.MULTILINE)
    if found is None:
        raise MissingError(f"{module.name}/go.mod does not require {name}")
    return found[1]


def build_command(go: str, package: str, target: Path, flags: str = "-s -w") -> list[str]:
    """Write the command line that builds a program; to be run in the folder of its go.mod."""
    options = ["-mod=readonly", "-trimpath", "-p", str(PARALLEL), "-ldflags", flags]
    return [go, "build", *options, "-o", str(target), package]


def go_of(environment: Mapping[str, str], wanted: str) -> str:
    """Return the path of Go; ``wanted`` says what it is to build, and what would do instead.

    Raises
    ------
    MissingError
        There is no Go on PATH.
    """
    go = shutil.which("go", path=environment.get("PATH"))
    if go is None:
        raise MissingError(f"Missing: Go on PATH, to build {wanted}")
    return go


def build(module: Path, command: list[str], target: Path, environment: Mapping[str, str]) -> None:
    """Run a `build_command`. A build that is cut off leaves nothing that looks finished.

    Raises
    ------
    MissingError
        The build fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}")
    command = [str(draft) if part == str(target) else part for part in command]
    if subprocess.run(command, cwd=module, env={**environment, "CGO_ENABLED": "0"}, check=False).returncode:
        name = target.name
        raise MissingError(f"{name} could not be built: see go's lines above (does `go env GOPROXY` name a proxy?)")
    draft.replace(target)
