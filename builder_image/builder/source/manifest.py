"""spin.toml: read once, before anyone's code runs, and checked for what the push would otherwise read from elsewhere.

Spin's own loader follows absolute paths, ``..``, symbolic links and URLs. What it refuses when it reads the file (a
misspelt field) is left to it; what it refuses later, at the push or at the app's start, is `builder.source.spin_rules`.
Rules of the format: spin v3.6.3, crates/manifest.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from builder.errors import BuildError
from builder.source import spin_rules
from builder.source.names import KEBAB_ID
from builder.source.safe_paths import inside
from builder.source.text import composed, decode
from builder.source.toml_text import MOST_CHARACTERS, read_toml

FILE_NAME: Final = "spin.toml"
NOT_FOUND: Final = "spin.toml not found in root directory"
_MOST_BYTES: Final = 4 * MOST_CHARACTERS  # in any encoding
_MOST_FILES: Final = 200
"""Entries of ``files``, of all components together."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component. Paths are relative to the app's folder, normalised, and stay inside it as written."""

    id: str
    source: str
    files: tuple[str, ...]
    """Patterns of files to ship: a path, a folder (all of it) or a glob."""
    dependencies: tuple[str, ...]
    """Components on disk that this one is composed with at the push."""
    commands: tuple[str, ...]
    """Build commands; none for a component that was shipped ready-made."""
    workdir: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked spin.toml."""

    text: bytes
    """In UTF-8, without a byte order mark, in NFC: as Spin reads it, and as the app's files are named."""
    name: str
    components: tuple[Component, ...]

    @classmethod
    def read(cls, folder: Path, most_components: int) -> Self:
        """Read ``folder/spin.toml``.

        Raises
        ------
        BuildError
            There is none, it is no TOML, it asks for something outside the app's folder, or Spin would not push or
            start the app.
        """
        try:
            with (folder / FILE_NAME).open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except (FileNotFoundError, IsADirectoryError):
            raise BuildError(NOT_FOUND) from None
        if len(content) > _MOST_BYTES:
            raise BuildError(f"spin.toml is larger than {_MOST_BYTES:,} bytes.")
        text = composed(decode(content, FILE_NAME), FILE_NAME)
        values = _parsed(text)
        components = _components(values, most_components)
        spin_rules.check(values)
        return cls(text.encode(), values["application"]["name"], components)

    @property
    def has_builds(self) -> bool:
        """Whether `spin build` has anything to do."""
        return any(component.commands for component in self.components)


def _parsed(text: str) -> dict[str, Any]:
    values = read_toml(text, FILE_NAME)
    version = values.get("spin_manifest_version")
    if version != 2 or isinstance(version, bool | float):
        raise BuildError("spin.toml must have spin_manifest_version = 2 (as a number, at the top).")
    name = values["application"].get("name") if isinstance(values.get("application"), dict) else None
    if not isinstance(name, str) or not name or not name.isprintable():
        raise BuildError("spin.toml must have [application] with a name, in printable characters.")
    return values


def _components(values: dict[str, Any], most: int) -> tuple[Component, ...]:
    components: list[Component] = []
    for label, table in _component_tables(values):
        if len(components) == most:
            raise BuildError(f"spin.toml has more than {most} components. Split the app.")
        components.append(_component(label, table))
    if not components:
        raise BuildError("spin.toml has no component: add a [component.<id>] table with source and build.command.")
    if sum(len(component.files) for component in components) > _MOST_FILES:
        raise BuildError(f"spin.toml names more than {_MOST_FILES} files. Name their folders, or use patterns.")
    return tuple(components)


def _component_tables(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for label, table in _table(values, "component", "spin.toml: component").items():
        if not KEBAB_ID.fullmatch(label):
            raise BuildError(
                f"spin.toml: component id '{label}' is not valid: words of letters and digits joined by '-', each "
                "starting with a letter and of one case (my-function)."
            )
        yield label, table
    for kind, triggers in _table(values, "trigger", "spin.toml: trigger").items():
        if not isinstance(triggers, list) or not all(isinstance(trigger, dict) for trigger in triggers):
            raise BuildError(f"spin.toml: trigger.{kind} must be a list: [[trigger.{kind}]].")
        for number, trigger in enumerate(triggers, start=1):
            # A trigger can hold a component's table in place of its id.
            for inline in _inline(trigger):
                yield f"of trigger.{kind} number {number}", inline


def _inline(trigger: dict[str, Any]) -> Iterator[dict[str, Any]]:
    places = [trigger.get("component")]
    several = trigger.get("components")
    for place in several.values() if isinstance(several, dict) else ():
        places.extend(place if isinstance(place, list) else [place])
    yield from (place for place in places if isinstance(place, dict))


def _component(label: str, table: object) -> Component:
    where = f"spin.toml: component {label}"
    if not isinstance(table, dict):
        raise BuildError(f"{where} must be a table.")
    source = table.get("source")
    if not isinstance(source, str):
        raise BuildError(f"{where}: source must be the path of a .wasm file in the app's folder (no URL, no registry).")
    build = _table(table, "build", f"{where}: build")
    command = build.get("command", [])
    commands = [command] if isinstance(command, str) else command
    if not isinstance(commands, list) or not all(isinstance(step, str) for step in commands):
        raise BuildError(f"{where}: build.command must be a string or a list of strings.")
    workdir = build.get("workdir", ".")
    if not isinstance(workdir, str):
        raise BuildError(f"{where}: build.workdir must be a path.")
    return Component(
        id=label,
        source=inside(source, f"{where}: source"),
        files=tuple(_files(table.get("files", []), where)),
        dependencies=tuple(_dependencies(_table(table, "dependencies", f"{where}: dependencies"), where)),
        commands=tuple(commands),
        workdir=inside(workdir, f"{where}: build.workdir"),
    )


def _files(entries: object, where: str) -> Iterator[str]:
    if not isinstance(entries, list):
        raise BuildError(f"{where}: files must be a list.")
    for entry in entries:
        source = entry.get("source") if isinstance(entry, dict) else entry
        if not isinstance(source, str):
            raise BuildError(f"{where}: each of files must be a path or {{ source, destination }}.")
        yield inside(source, f"{where}: files")
        if isinstance(entry, dict):
            destination = entry.get("destination")
            if not isinstance(destination, str) or ".." in destination.split("/"):
                raise BuildError(f"{where}: the destination of '{source}' in files must be a path without '..'.")


def _dependencies(table: dict[str, Any], where: str) -> Iterator[str]:
    for name, dependency in table.items():
        path = dependency.get("path") if isinstance(dependency, dict) else None
        if isinstance(path, str):
            yield inside(path, f"{where}: dependency '{name}'")
        elif not (isinstance(dependency, dict) and isinstance(dependency.get("component"), str)):
            raise BuildError(
                f"{where}: dependency '{name}' comes from a registry or a URL, which the builder does not reach. "
                "Put the component into the app's folder and name it by path."
            )


def _table(values: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    table = values.get(key, {})
    if not isinstance(table, dict):
        raise BuildError(f"{where} must be a table.")
    return table
