"""What is type-checked: each component's program, from the module that it begins with along its imports.

The check runs on a copy of the Python files. So the build, running at the same time, cannot change what is checked, and
files that would break the check itself (a ``types.py`` beside the app) can stand under another name in it.
"""

import posixpath
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from builder.source.upload import App
from builder.typecheck import entry_points
from builder.typecheck.entry_points import EntryPoint
from builder.typecheck.own_files import OwnFiles

_DEFAULT_ENTRY: Final = "app.py"
"""What Spin's templates begin with."""
_SDK: Final = b"spin_sdk"
_UNSHADOWABLE: Final = frozenset(
    {
        # mypy refuses to run at all beside a module of these names (mypy 2.4.1, build.py, CORE_BUILTIN_MODULES).
        *("builtins", "typing", "types", "typing_extensions", "mypy_extensions", "_typeshed", "_collections_abc"),
        *("collections", "sys", "abc"),
        # Every app imports this one, and means the SDK.
        "spin_sdk",
    }
)


@dataclass(frozen=True, slots=True)
class Program:
    """Modules that see the same files: one component's, or several ones'. Paths are relative to the app's folder."""

    search: tuple[str, ...]
    """Folders that imports are looked for in."""
    entries: tuple[str, ...]
    """The files to begin with."""
    handlers: tuple[str, ...]
    """Those of them that have to hold a class that answers HTTP requests."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A program's files in a folder of their own: ``names`` maps a path there to the name that the uploader knows."""

    names: dict[str, str]
    entries: list[str]
    handlers: list[str]
    packages: list[str]
    """Folders of what the app ships of others'."""


def programs(app: App, files: OwnFiles) -> list[Program]:
    """List the programs of an app: none for one without Python that is built."""
    entries = [(entry, _named(entry, files)) for entry in _entry_points(app)]
    handlers = {path for entry, path in entries if path is not None and entry.is_http}
    found: dict[tuple[str, ...], list[str]] = {}
    for entry, path in entries:
        found.setdefault(entry.search, []).extend(_likely(app, entry, files) if path is None else [path])
    unique = {search: tuple(dict.fromkeys(paths)) for search, paths in found.items() if paths}
    return [Program(search, paths, tuple(filter(handlers.__contains__, paths))) for search, paths in unique.items()]


def copy(app: App, program: Program, files: OwnFiles, target: Path) -> Copied:
    """Copy what a program can import to ``target``: its own files to one folder, others' to another."""
    names: dict[str, str] = {}
    placed: dict[str, str] = {}
    for path in files.paths:
        if path not in program.entries and not _is_importable(path, program.search):
            continue
        is_own = path in program.entries or files.is_own(path)
        placed[path] = _unshadowed(path, program.search) if is_own else path
        copied = target / ("own" if is_own else "packages") / placed[path]
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(app.folder / path, copied)
        if is_own:
            names[placed[path]] = app.shown_as.get(path, path)
    packages = [target / "packages" / folder for folder in program.search]
    return Copied(
        names,
        [placed[path] for path in program.entries],
        [placed[path] for path in program.handlers],
        [str(folder) for folder in packages if folder.is_dir()],
    )


def _entry_points(app: App) -> Iterator[EntryPoint]:
    for component in app.manifest.components:
        if component.commands:
            yield from entry_points.of_component(component)


def _named(entry: EntryPoint, files: OwnFiles) -> str | None:
    """Find the file of the module that the build command names."""
    module = (entry.module or "").replace(".", "/")
    candidates = [f"{module}.py", f"{module}/__init__.py"] if module else []
    paths = [posixpath.normpath(posixpath.join(folder, name)) for folder in entry.search for name in candidates]
    return next((path for path in paths if path in files.paths), None)


def _likely(app: App, entry: EntryPoint, files: OwnFiles) -> list[str]:
    """Where no command names a module that is there, as with `make`: app.py, else what uses the SDK."""
    usual = [posixpath.normpath(posixpath.join(folder, _DEFAULT_ENTRY)) for folder in entry.search]
    if found := [path for path in usual if path in files.paths]:
        return found[:1]
    folders = {"" if folder == "." else folder for folder in entry.search}
    beside = [path for path in files.paths if path.endswith(".py") and posixpath.dirname(path) in folders]
    return [path for path in beside if files.is_own(path) and _SDK in (app.folder / path).read_bytes()]


def _is_importable(path: str, search: tuple[str, ...]) -> bool:
    """Whether an import can lead to a file from one of the folders."""
    return any(
        _is_below(path, folder)
        and all(part.removesuffix("-stubs").isidentifier() for part in _stem(_relative(path, folder)).split("/"))
        for folder in search
    )


def _stem(path: str) -> str:
    return path.removesuffix("/py.typed").removesuffix(".pyi").removesuffix(".py")


def _unshadowed(path: str, search: tuple[str, ...]) -> str:
    for folder in search:
        if _is_below(path, folder):
            first, slash, rest = _relative(path, folder).partition("/")
            stem, dot, suffix = first.partition(".")
            if stem in _UNSHADOWABLE:
                return posixpath.normpath(posixpath.join(folder, f"shadowed_{stem}{dot}{suffix}{slash}{rest}"))
    return path


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


def _relative(path: str, folder: str) -> str:
    return path if folder == "." else path.removeprefix(f"{folder}/")
