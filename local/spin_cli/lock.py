"""The locked application: what the app is, in the JSON that runs it. Key order is part of its digest.

Source: crates/loader/src/local.rs (content), crates/locked-app/src/locked.rs (order of keys; maps are sorted).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.spin_cli import serde_json
from local.spin_cli.files import collect_files
from local.spin_cli.manifest import BuildConfig, Component, Manifest, Variable, load_manifest, parent_dir
from local.spin_cli.normalize import normalize
from local.spin_cli.outbound import check_hosts, needs_service_chaining
from local.spin_cli.terminal import SpinError, context

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedComponent:
    """A component whose content is known but not yet stored: its source file and its files by guest path."""

    id: str
    component: Component
    source: Path
    files: dict[str, Path]


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """A manifest and everything on disk that it names."""

    manifest: Manifest
    components: list[LoadedComponent]


def load_app(manifest_path: str) -> LoadedApp:
    """Load a manifest for a push. Sources are not opened yet.

    Raises
    ------
    SpinError
        The manifest is invalid, or something that it names is missing or not allowed.
    """
    with context(f'Failed to read Spin app manifest from "{manifest_path}"'):
        manifest = load_manifest(manifest_path)
    normalize(manifest)
    # Lexical, as the real loader does it: a linked app folder keeps the name that the user gave it.
    app_root = Path(os.path.abspath(parent_dir(manifest_path)))  # noqa: PTH100
    with context(f'Failed to load Spin app from "{manifest_path}"'):
        for variable in manifest.variables.values():
            if variable.required == (variable.default is not None):
                raise SpinError("must be `required` OR have a `default`")
        defaults = {name: variable.default for name, variable in manifest.variables.items()}
        loaded = [_load(app_root, name, found, defaults) for name, found in manifest.components.items()]
        return LoadedApp(manifest, loaded)


def _load(app_root: Path, name: str, component: Component, defaults: Mapping[str, str | None]) -> LoadedComponent:
    with context(f"Failed to load component `{name}`"):
        with context("`allowed_outbound_hosts` is malformed"):
            check_hosts(component.allowed_outbound_hosts, defaults)
        if component.dependencies:
            raise SpinError(
                "component dependencies need composition: Spin itself composes them when it pushes, this stand-in for "
                "Spin 3.6.3 does not"
            )
        files = collect_files(app_root, component)
    return LoadedComponent(name, component, app_root / component.source, files)


def locked_app(app: LoadedApp, sources: dict[str, Json], files: dict[str, list[Json]]) -> bytes:
    """Serialize the locked application.

    Parameters
    ----------
    app
        What was loaded.
    sources
        Per component id, the content reference of its wasm (``inline``?, ``digest``).
    files
        Per component id, its files' content references with ``path``.
    """
    manifest = app.manifest
    components = [_component(loaded, sources[loaded.id], files[loaded.id]) for loaded in app.components]
    chaining = any("host_requirements" in component for component in components)
    document: Json = {"spin_lock_version": 1 if chaining else 0}
    if chaining:
        document["must_understand"] = ["component_host_requirements"]
    document["metadata"] = _metadata(manifest)
    if manifest.variables:
        document["variables"] = {name: _variable(found) for name, found in sorted(manifest.variables.items())}
    document["triggers"] = [
        {
            "id": trigger.id,
            "trigger_type": kind,
            "trigger_config": _sorted(
                trigger.config | ({} if trigger.component is None else {"component": trigger.component})
            ),
        }
        for kind, triggers in manifest.triggers.items()
        for trigger in triggers
    ]
    document["components"] = components
    return serde_json.dumps(document).encode()


def _metadata(manifest: Manifest) -> Json:
    application = manifest.application
    metadata: Json = {"name": application.name} if application.name else {}
    for key in ("version", "description", "authors"):
        if value := getattr(application, key):
            metadata[key] = value
    metadata["triggers"] = application.triggers
    if len(manifest.triggers) == 1:
        (kind,) = manifest.triggers
        metadata["trigger"] = application.triggers.get(kind, {}) | {"type": kind}
    ordered: Json = _sorted(metadata)
    return ordered


def _variable(variable: Variable) -> Json:
    stored: Json = {}
    if variable.description is not None:
        stored["description"] = variable.description
    if variable.default is not None:
        stored["default"] = variable.default
    if variable.secret:
        stored["secret"] = True
    return stored


def _component(loaded: LoadedComponent, source: Json, files: list[Json]) -> Json:
    component = loaded.component
    metadata: Json = {
        "description": component.description,
        "allowed_outbound_hosts": component.allowed_outbound_hosts,
        "key_value_stores": component.key_value_stores,
        "databases": component.sqlite_databases,
        "ai_models": component.ai_models,
        "build": _build(component.build) if component.build else None,
    }
    metadata = {key: value for key, value in sorted(metadata.items()) if value}
    locked: Json = {"id": loaded.id}
    if metadata:
        locked["metadata"] = metadata
    locked["source"] = {"content_type": "application/wasm", **source}
    if component.environment:
        locked["env"] = _sorted(component.environment)
    if files:
        locked["files"] = files
    if component.variables:
        locked["config"] = _sorted(component.variables)
    if needs_service_chaining(component.allowed_outbound_hosts):
        locked["host_requirements"] = {"local_service_chaining": "required"}
    return locked


def _build(build: BuildConfig) -> Json:
    stored: Json = {"command": build.commands if build.is_list else build.commands[0]}
    if build.watch:
        stored["watch"] = build.watch
    if build.workdir is not None:
        stored["workdir"] = build.workdir
    return stored


def _sorted(value: Any) -> Any:
    """Put the keys of every map of a JSON value in order."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
