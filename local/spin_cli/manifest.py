"""Read and validate a version 2 spin.toml, as strictly as the real loader and no more.

Routes, executors and whether a trigger's component exists are not looked at: the real one finds such faults at run time
only.
Source: crates/manifest/src/schema/{v2,common}.rs.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.spin_cli import ids
from local.spin_cli.terminal import SpinError, os_reason, quoted
from local.spin_cli.toml_tables import InvalidValueError, Table, as_text, describe, explain, parse_toml


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
    """``[component.x]``. A ``source`` that is not a path is kept as the table it is."""

    source: str | dict[str, Any]
    description: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    files: list[str | Placement] = field(default_factory=list)
    exclude_files: list[str] = field(default_factory=list)
    allowed_http_hosts: list[str] = field(default_factory=list)
    allowed_outbound_hosts: list[str] = field(default_factory=list)
    key_value_stores: list[str] = field(default_factory=list)
    sqlite_databases: list[str] = field(default_factory=list)
    ai_models: list[str] = field(default_factory=list)
    build: BuildConfig | None = None
    targets: list[Any] | None = None
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


def read_text(manifest_path: str) -> str:
    """The manifest's text, without the byte order mark that Rust's toml parsers skip.

    Raises:
        SpinError: it cannot be read.
    """
    try:
        return Path(manifest_path).read_text("utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise SpinError(f"Can't read manifest from {quoted(manifest_path)}") from SpinError(os_reason(error))
    except UnicodeDecodeError:
        raise SpinError(f"Can't read manifest from {quoted(manifest_path)}") from SpinError(
            "stream did not contain valid UTF-8"
        )


def load_manifest(manifest_path: str) -> Manifest:
    """Read and validate a manifest. `local.spin_cli.normalize` is the next step.

    Raises:
        SpinError: it cannot be read or is not valid; the line is shown.
    """
    text = read_text(manifest_path)
    document = parse_toml(text)
    check_version(document, text)
    try:
        return _manifest(Table(document, ()))
    except InvalidValueError as error:
        raise explain(error, text) from None


def check_version(document: dict[str, Any], text: str) -> None:
    """Accept version 2 only.

    Raises:
        SpinError: no version, an unknown one, or version 1, which the real CLI converts and this one does not.
    """
    version = document.get("spin_manifest_version", document.get("spin_version"))
    if version is None:
        raise explain(InvalidValueError("missing field `spin_manifest_version`", ()), text)
    if version == "1":
        raise SpinError(
            "manifest version 1 is not supported here: Spin itself would convert it, this stand-in for Spin 3.6.3 does "
            'not. Upgrade the file to spin_manifest_version = 2 ("spin doctor" does that).'
        )
    if version != 2 or isinstance(version, bool | float):
        shown = quoted(version) if isinstance(version, str) else str(version)
        raise SpinError(f"invalid manifest version: {shown}")


def _manifest(root: Table) -> Manifest:
    root.required("spin_manifest_version")
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
        named[name] = component_from(components.table(name))
    root.close()
    return Manifest(application, known, found, named)


def _application(table: Table) -> Application:
    application = Application(
        name=table.required_text("name"),
        version=table.text("version"),
        description=table.text("description"),
        authors=table.texts("authors"),
        targets=table.items("targets"),
        triggers=_tables(table.table("trigger")),
    )
    _tables(table.table("tool"))
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
            component = component_from(Table(spec, (*entry.path, "component"), "a component id or a component"))
        triggers.append(Trigger(entry.text("id"), component, config))
    return triggers


def component_from(table: Table) -> Component:
    """Read a component's table."""
    component = Component(
        source=_source(table.required("source"), (*table.path, "source")),
        description=table.text("description"),
        variables=table.text_map("variables"),
        environment=table.text_map("environment"),
        files=[_mount(value, table) for value in table.items("files")],
        exclude_files=table.texts("exclude_files"),
        allowed_http_hosts=table.texts("allowed_http_hosts"),
        allowed_outbound_hosts=table.texts("allowed_outbound_hosts"),
        key_value_stores=table.texts("key_value_stores"),
        sqlite_databases=table.texts("sqlite_databases"),
        ai_models=table.texts("ai_models"),
        targets=table.items("targets") if "targets" in table.values else None,
        build=build_from(table.table("build")) if table.raw("build") is not None else None,
        dependencies=table.table("dependencies").values,
    )
    table.raw("targets")
    _tables(table.table("tool"))
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


def build_from(table: Table) -> BuildConfig:
    """Read a component's ``build`` table."""
    command = table.required("command")
    is_list = isinstance(command, list)
    if not is_list and not isinstance(command, str):
        raise InvalidValueError("data did not match any variant of untagged enum Commands", (*table.path, "command"))
    commands = [as_text(item, (*table.path, "command")) for item in (command if is_list else [command])]
    build = BuildConfig(commands, is_list, table.optional_text("workdir"), table.texts("watch"))
    table.close()
    return build


def _source(value: Any, path: tuple[str | int, ...]) -> str | dict[str, Any]:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and all(isinstance(inner, str) for inner in value.values()):
        keys = set(value)
        if keys == {"url", "digest"} or {"package", "version"} <= keys <= {"registry", "package", "version"}:
            return value
    raise InvalidValueError("data did not match any variant of untagged enum ComponentSource", path)


def _mount(value: Any, table: Table) -> str | Placement:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and set(value) == {"source", "destination"}:
        source, destination = value["source"], value["destination"]
        if isinstance(source, str) and isinstance(destination, str):
            return Placement(source, destination)
    raise InvalidValueError("data did not match any variant of untagged enum WasiFilesMount", (*table.path, "files"))


def _tables(table: Table) -> dict[str, dict[str, Any]]:
    for name, value in table.values.items():
        if not isinstance(value, dict):
            raise InvalidValueError(f"invalid type: {describe(value)}, expected a map", (*table.path, name))
    return table.values


def _check(fault: str | None, path: tuple[str | int, ...]) -> None:
    if fault is not None:
        raise InvalidValueError(fault, path)
