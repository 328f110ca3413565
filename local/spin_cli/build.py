"""``spin build``: run each component's build commands, in order, until one fails. Source: crates/build/src/lib.rs."""

import os
import subprocess
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from local.spin_cli.lookup import parent_dir
from local.spin_cli.manifest import BuildConfig, build_from, check_version, load_manifest, read_text
from local.spin_cli.normalize import normalize
from local.spin_cli.terminal import SpinError, context, os_reason, quoted, say, step, warn
from local.spin_cli.toml_tables import InvalidValueError, Table, parse_toml


@dataclass(frozen=True, slots=True)
class _Buildable:
    """What a build needs of a component."""

    id: str
    source: Any
    build: BuildConfig | None
    dependencies: dict[str, Any]


def build(manifest_path: str, component_ids: list[str], *, check_targets: bool) -> None:
    """Build the app, or the named components of it.

    A manifest that is invalid elsewhere still builds, with a warning: the real one reads just the build settings then.

    Raises:
        SpinError: the manifest cannot be read, a component is unknown, or a command fails.
    """
    components, has_targets, load_error = _read(manifest_path)
    try:
        _build_components(components, component_ids, parent_dir(manifest_path))
    finally:
        if load_error is not None:
            details = ": ".join(load_error.chain())
            warn(f"The manifest has errors not related to the Wasm component build. Error details:\n{details}")
            if has_targets and check_targets:
                warn("The manifest error(s) prevented Spin from checking the deployment targets.")
    if has_targets and check_targets and load_error is None:
        with context("unable to check if the application is compatible with deployment targets"):
            raise SpinError(
                "network access is needed: Spin itself would download the target definitions, this stand-in for Spin "
                "3.6.3 does not. Build with --skip-target-checks."
            )


def _read(manifest_path: str) -> tuple[list[_Buildable], bool, SpinError | None]:
    """Components, whether there are deployment targets to check, and what is wrong with the manifest if anything."""
    try:
        manifest = load_manifest(manifest_path)
        normalize(manifest)
    except SpinError as load_error:
        try:
            components, has_targets = _read_build_settings(manifest_path)
        except (SpinError, InvalidValueError):
            message = f'Cannot read manifest file from "{manifest_path}"'
            raise SpinError(message) from load_error
        return components, has_targets, load_error
    components = [_Buildable(name, c.source, c.build, c.dependencies) for name, c in manifest.components.items()]
    targets = manifest.application.targets or any(c.targets for c in manifest.components.values())
    return components, bool(targets), None


def _read_build_settings(manifest_path: str) -> tuple[list[_Buildable], bool]:
    """The fallback: nothing but what a build needs, ids unchecked and sorted."""
    text = read_text(manifest_path)
    document = parse_toml(text)
    check_version(document, text)
    root = Table(document, ())
    root.required("component")
    table = root.table("component")
    components = []
    for name in sorted(table.values):
        inner = table.table(name)
        settings = build_from(inner.table("build")) if "build" in inner.values else None
        components.append(_Buildable(name, inner.values.get("source"), settings, inner.table("dependencies").values))
    application = document.get("application")
    return components, isinstance(application, dict) and bool(application.get("targets"))


def _build_components(components: list[_Buildable], component_ids: list[str], app_dir: str) -> None:
    if component_ids:
        known = {component.id for component in components}
        unknown = [name for name in component_ids if name not in known]
        if unknown:
            raise SpinError(f"Unknown component(s) {', '.join(unknown)}")
        components = [component for component in components if component.id in component_ids]
    if all(component.build is None for component in components):
        say("None of the components have a build command.")
        say(
            "For information on specifying a build command, see "
            "https://spinframework.dev/build#setting-up-for-spin-build."
        )
        return
    for component in _in_build_order(components):
        if component.build is not None:
            _run(component.id, component.build, app_dir)
    step("Finished", "building all Spin components")


def _in_build_order(components: list[_Buildable]) -> list[_Buildable]:
    """Components after the ones whose wasm they depend on; otherwise, and in a circle, as in the manifest."""
    by_source = {c.source: c.id for c in components if isinstance(c.source, str)}
    by_id = {c.id: c for c in components}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for component in components:
        specs = [spec for spec in component.dependencies.values() if isinstance(spec, dict)]
        needed = {by_source.get(str(spec.get("path"))) or spec.get("component") for spec in specs}
        sorter.add(component.id, *(name for name in needed if name in by_id and name != component.id))
    try:
        return [by_id[name] for name in sorter.static_order()]
    except CycleError:
        return components


def _run(component_id: str, build: BuildConfig, app_dir: str) -> None:
    count = len(build.commands)
    if count > 1:
        step("Building", f"component {component_id} ({count} commands)")
    for number, command in enumerate(build.commands, start=1):
        if count > 1:
            step("Running build step", f"{number}/{count} for component {component_id} with '{command}'")
        else:
            step("Building", f"component {component_id} with `{command}`")
        workdir = app_dir
        if build.workdir is not None:
            if build.workdir.startswith("/"):
                raise SpinError("The workdir specified in the application file must be relative.")
            workdir = os.path.join(app_dir, build.workdir)  # noqa: PTH118  # shown as joined: "./sub"
            say(f'Working directory: "{workdir}"')
        try:
            status = subprocess.run(
                ["sh", "-c", command], cwd=workdir, env=_inherited_environment(), check=False
            ).returncode
        except OSError as error:
            raise SpinError(
                f"Cannot spawn build process '{_shown(build)}' for component {component_id}: {os_reason(error)}"
            ) from None
        if status != 0:
            ended = f"Exited({status})" if status > 0 else f"Signaled({-status})"
            raise SpinError(f"Build command for component {component_id} failed with status {ended}")


def _inherited_environment() -> dict[bytes, bytes]:
    """The environment that this process was started with.

    Not `os.environ`: where no locale is set, the interpreter adds an LC_CTYPE of its own (PEP 538) before any Python
    code runs, and a build command would see it. Outside Linux that addition stays.
    """
    try:
        block = Path("/proc/self/environ").read_bytes()
    except OSError:
        return dict(os.environb)
    return dict(entry.split(b"=", 1) for entry in block.split(b"\0") if b"=" in entry)


def _shown(build: BuildConfig) -> str:
    """The command as Rust's ``{:?}`` shows it."""
    shown = ", ".join(quoted(command) for command in build.commands)
    return f"Multiple([{shown}])" if build.is_list else f"Single({shown})"
