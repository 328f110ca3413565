"""Read and validate a version 2 spin.toml, as strictly as the real loader and no more.

Routes, executors and whether a trigger's component exists are not looked at: the real one finds such faults at run time
only.
Source: crates/manifest/src/schema/{v2,common}.rs.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.spin_cli import ids
from local.spin_cli.terminal import SpinError, os_reason, quoted
from local.spin_cli.toml_tables import InvalidValueError, Table, as_text, parse_toml


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """``[component.x.build]``. ``is_list`` tells ``command = [...]`` from ``command = "..."``."""

    commands: list[str]
    is_list: bool
    workdir: str | None
    watch: list[str]


@dataclass(frozen=True, slots=True)
class Placement:
    """``{ source, destination }`` of a component's ``files``."""

    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Component:
    """``[component.x]``."""

    source: str
    description: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    files: list[str | Placement] = field(default_factory=list)
    exclude_files: list[str] = field(default_factory=list)
    allowed_outbound_hosts: list[str] = field(default_factory=list)
    key_value_stores: list[str] = field(default_factory=list)
    sqlite_databases: list[str] = field(default_factory=list)
    ai_models: list[str] = field(default_factory=list)
    build: BuildConfig | None = None
    targets: list[Any] = field(default_factory=list)
    dependencies: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Trigger:
    """``[[trigger.x]]``. Once normalized, ``id`` is set and ``component`` is an id or None."""

    id: str
    component: str | Component | None
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """``[variables]`` entry."""

    description: str | None
    required: bool
    default: str | None
    secret: bool


@dataclass(frozen=True, slots=True)
class Application:
    """``[application]``. ``triggers`` is ``[application.trigger.*]``."""

    name: str
    version: str
    description: str
    authors: list[str]
    targets: list[Any]
    triggers: dict[str, dict[str, Any]]


@dataclass(slots=True)
class Manifest:
    """A valid manifest. Maps keep the order of the file."""

    application: Application
    variables: dict[str, Variable]
    triggers: dict[str, list[Trigger]]
    components: dict[str, Component]


def parent_dir(manifest_path: str) -> str:
    """Folder of a manifest as later messages show it: ``.`` for one in the working directory."""
    return os.path.dirname(manifest_path) or "."  # noqa: PTH120  # pathlib would drop a leading "./"


def load_manifest(manifest_path: str) -> Manifest:
    """Read and validate a manifest. `local.spin_cli.normalize` is the next step.

    Raises
    ------
    SpinError
        It cannot be read or is not valid.
    """
    try:
        text = Path(manifest_path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "stream did not contain valid UTF-8"
        raise SpinError(f"Can't read manifest from {quoted(manifest_path)}") from SpinError(reason)
    return _manifest(Table(parse_toml(text), ()))


def _manifest(root: Table) -> Manifest:
    version = root.required("spin_manifest_version")
    if version != 2 or isinstance(version, bool | float):
        raise SpinError(f"invalid manifest version: {version!r}; this stand-in for Spin 3.6.3 reads version 2")
    root.required("application")
    application = _application(root.table("application"))
    variables = root.table("variables")
    known = {name: _variable(name, variables) for name in variables.values}
    root.required("trigger")
    triggers = root.table("trigger")
    found = {kind: _triggers(triggers, kind) for kind in triggers.values}
    components = root.table("component")
    named = {}
    for name in components.values:
        _check(ids.kebab_fault(name), (*components.path, name))
        named[name] = _component(components.table(name))
    root.close()
    return Manifest(application, known, found, named)


def _application(table: Table) -> Application:
    application = Application(
        name=table.required_text("name"),
        version=table.text("version"),
        description=table.text("description"),
        authors=table.texts("authors"),
        targets=table.items("targets"),
        triggers=table.tables("trigger"),
    )
    table.tables("tool")
    table.close()
    return application


def _variable(name: str, variables: Table) -> Variable:
    _check(ids.lower_snake_fault(name), (*variables.path, name))
    table = variables.table(name)
    variable = Variable(
        table.optional_text("description"), table.flag("required"), table.optional_text("default"), table.flag("secret")
    )
    table.close()
    return variable


def _triggers(table: Table, kind: str) -> list[Trigger]:
    triggers = []
    for index, value in enumerate(table.items(kind)):
        entry = Table(value, (*table.path, kind, index), "struct Trigger")
        reserved = ("id", "component", "components")
        config = {key: inner for key, inner in entry.values.items() if key not in reserved}
        spec = entry.raw("component")
        if entry.raw("components"):
            raise InvalidValueError(
                "`components` of a trigger is reserved by Spin and not supported by this stand-in", entry.path
            )
        component: str | Component | None = None
        if isinstance(spec, str):
            _check(ids.kebab_fault(spec), (*entry.path, "component"))
            component = spec
        elif spec is not None:
            component = _component(Table(spec, (*entry.path, "component"), "a component id or a component"))
        triggers.append(Trigger(entry.text("id"), component, config))
    return triggers


def _component(table: Table) -> Component:
    component = Component(
        source=_source(table.required("source"), (*table.path, "source")),
        description=table.text("description"),
        variables=table.text_map("variables"),
        environment=table.text_map("environment"),
        files=[_mount(value, table) for value in table.items("files")],
        exclude_files=table.texts("exclude_files"),
        allowed_outbound_hosts=table.texts("allowed_outbound_hosts"),
        key_value_stores=table.texts("key_value_stores"),
        sqlite_databases=table.texts("sqlite_databases"),
        ai_models=table.texts("ai_models"),
        targets=table.items("targets"),
        build=_build(table.table("build")) if table.raw("build") is not None else None,
        dependencies=table.table("dependencies").values,
    )
    table.tables("tool")
    table.flag("dependencies_inherit_configuration")
    table.close()
    for name in component.variables:
        _check(ids.lower_snake_fault(name), (*table.path, "variables", name))
    for key in ("key_value_stores", "sqlite_databases"):
        for label in getattr(component, key):
            _check(ids.label_fault(label), (*table.path, key))
    for model in component.ai_models:
        _check(ids.kebab_fault(model), (*table.path, "ai_models"))
    return component


def _build(table: Table) -> BuildConfig:
    command = table.required("command")
    is_list = isinstance(command, list)
    if not is_list and not isinstance(command, str):
        raise InvalidValueError("data did not match any variant of untagged enum Commands", (*table.path, "command"))
    commands = [as_text(item, (*table.path, "command")) for item in (command if is_list else [command])]
    build = BuildConfig(commands, is_list, table.optional_text("workdir"), table.texts("watch"))
    table.close()
    return build


def _source(value: Any, path: tuple[str | int, ...]) -> str:
    if isinstance(value, str):
        return value
    raise InvalidValueError(
        "expected the path of a .wasm file in the application: Spin itself would download other sources, this "
        "stand-in for Spin 3.6.3 has no network",
        path,
    )


def _mount(value: Any, table: Table) -> str | Placement:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and set(value) == {"source", "destination"}:
        source, destination = value["source"], value["destination"]
        if isinstance(source, str) and isinstance(destination, str):
            return Placement(source, destination)
    raise InvalidValueError("data did not match any variant of untagged enum WasiFilesMount", (*table.path, "files"))


def _check(fault: str | None, path: tuple[str | int, ...]) -> None:
    if fault is not None:
        raise InvalidValueError(fault, path)
