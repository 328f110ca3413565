"""``spin build``: run each component's build commands, in the manifest's order, until one fails.

Source: crates/build/src/lib.rs. A manifest that is invalid elsewhere is refused here already; the real one warns,
builds, and refuses it at the push.
"""

import os
import subprocess
from pathlib import Path

from local.spin_cli.manifest import BuildConfig, load_manifest, parent_dir
from local.spin_cli.normalize import normalize
from local.spin_cli.terminal import SpinError, context, os_reason, say


def build(manifest_path: str, *, check_targets: bool) -> None:
    """Build the app.

    Raises
    ------
    SpinError
        The manifest is invalid, a command fails, or there are deployment targets to check.
    """
    with context(f'Cannot read manifest file from "{manifest_path}"'):
        manifest = load_manifest(manifest_path)
    normalize(manifest)
    if check_targets and (manifest.application.targets or any(c.targets for c in manifest.components.values())):
        raise SpinError(
            "deployment targets are defined on the network, which this stand-in for Spin 3.6.3 does not ask: "
            "build with --skip-target-checks"
        )
    builds = {name: component.build for name, component in manifest.components.items() if component.build}
    if not builds:
        say("None of the components have a build command.")
        return
    for name, settings in builds.items():
        _run(name, settings, parent_dir(manifest_path))
    say("Finished building all Spin components")


def _run(component_id: str, settings: BuildConfig, app_dir: str) -> None:
    workdir = os.path.join(app_dir, settings.workdir or "")  # noqa: PTH118  # pathlib would drop a leading "./"
    if settings.workdir and settings.workdir.startswith("/"):
        raise SpinError("The workdir specified in the application file must be relative.")
    for command in settings.commands:
        say(f"Building component {component_id} with `{command}`")
        try:
            done = subprocess.run(["sh", "-c", command], cwd=workdir, env=_inherited_environment(), check=False)
        except OSError as error:
            raise SpinError(f"Cannot spawn build process for component {component_id}: {os_reason(error)}") from None
        status = done.returncode
        if status:
            ended = f"Exited({status})" if status > 0 else f"Signaled({-status})"
            raise SpinError(f"Build command for component {component_id} failed with status {ended}")


def _inherited_environment() -> dict[bytes, bytes]:
    """Return the environment that this process was started with.

    Not `os.environ`: where no locale is set, the interpreter adds an LC_CTYPE of its own (PEP 538) before any Python
    code runs, and a build command would see it. Outside Linux that addition stays.
    """
    try:
        block = Path("/proc/self/environ").read_bytes()
    except OSError:
        return dict(os.environb)
    return dict(entry.split(b"=", 1) for entry in block.split(b"\0") if b"=" in entry)
