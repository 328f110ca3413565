"""`spin build`, beside the type check: runs the build commands of spin.toml in the sandbox."""

import re
import shutil
from pathlib import Path
from typing import Final

from builder.errors import BuildError
from builder.log import BuildLog, printable
from builder.sandbox import Outcome, Sandbox
from builder.source import App
from builder.toolchain import Toolchain

_TAIL_LINES: Final = 20
_TAIL_CHARACTERS: Final = 4000
_SPIN_ERROR: Final = re.compile(r"^Error: (.*)$", re.MULTILINE)


def place(app: App, sandbox: Sandbox) -> Path:
    """Copy the app to the folder that it is built in, and hand that to the sandbox's user."""
    folder = sandbox.folder / "app"
    shutil.copytree(app.folder, folder, symlinks=True)
    sandbox.hand_over()
    return folder


def build(app: App, folder: Path, sandbox: Sandbox, toolchain: Toolchain, log: BuildLog) -> None:
    """Run `spin build` in ``folder``; nothing when every component was shipped ready-made.

    Raises
    ------
    BuildError
        A build command failed: spin's own line, and the end of the output.
    """
    if not app.manifest.has_builds:
        log.line("nothing to build: no component has a build command")
        return
    command = [toolchain.spin, "build", "--from", str(folder / "spin.toml")]
    outcome = sandbox.run(
        command, folder, sandbox.limits.build_seconds, on_line=lambda line: log.line(line, source="build")
    )
    if not outcome.succeeded:
        raise BuildError(describe(outcome, folder))


def describe(outcome: Outcome, folder: Path) -> str:
    """Why a build failed, for the uploader: paths are those of the app, not of this machine."""
    output = printable(outcome.output.tail).replace(f"{folder}/", "").replace(str(folder), ".")
    lines = [line for line in output.splitlines() if line.strip()]
    if outcome.failure is not None:
        summary = f"the build {outcome.failure}"
    elif errors := _SPIN_ERROR.findall(output):
        summary = errors[-1]
        lines = [line for line in lines if line != f"Error: {summary}"]
    else:
        summary = f"`spin build` ended with status {outcome.exit_code}"
    tail = "\n".join(lines[-_TAIL_LINES:])[-_TAIL_CHARACTERS:]
    return f"Build failed: {summary}" + (f"\n{tail}" if tail else "")
