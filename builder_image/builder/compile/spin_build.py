"""`spin build`, beside the type check: runs the build commands of spin.toml in the sandbox."""

import shutil
from pathlib import Path

from builder.compile.build_errors import describe
from builder.errors import BuildError
from builder.log import BuildLog
from builder.sandbox.run import Sandbox
from builder.source.upload import App
from builder.toolchain import Toolchain


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
    # `targets` in spin.toml would make Spin fetch its list of environments, and a step has no network.
    command = [toolchain.spin, "build", "--skip-target-checks", "--from", str(folder / "spin.toml")]
    outcome = sandbox.run(
        command, folder, sandbox.limits.build_seconds, on_line=lambda line: log.line(line, source="build")
    )
    if not outcome.succeeded:
        raise BuildError(describe(outcome, folder, app))
