"""Which modules of the installed packages an app is going to load, by what the sources say.

A guess, made quickly and the same each time: names after ``import`` that are executed when a module is loaded, followed
from the app's module on. What is imported by other means is not foreseen, and what stands in a text may be foreseen
wrongly: neither changes what an app does (`bytecode`).
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(rb"import[ \t(*]")
_FROM: Final = re.compile(rb"[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]*")
_NAMES: Final = re.compile(rb"[ \t]*(\([^)]{0,10000}\)|[^#\n;]{0,10000})")
_NAME: Final = re.compile(rb"([\w.]+)(?:[ \t]+as[ \t]+\w+)?")
_COMMENT: Final = re.compile(rb"#[^\n]*")
_MODULE: Final = re.compile(r"\w+(\.\w+)*")
_WHEN_ASKED: Final = b"__getattr__"
_ENTRY: Final = re.compile(rb"""\s*:\s*[(\[]?\s*["']([\w.]+)["']""", re.ASCII)
"""What follows a name in a table."""
_AT_LOAD: Final = (b"try", b"except", b"else", b"finally", b"if", b"elif", b"with", b"for", b"class")
"""How lines begin that hold statements which are executed when a module is loaded; those of functions are not."""
_NEVER: Final = b"TYPE_CHECKING"
_MOST_BYTES: Final = 1 << 20
"""Of a source that is looked into."""
_MOST_STATEMENTS: Final = 1000
_MOST_HEAD: Final = 500
"""Bytes before ``import`` in its line."""
_MOST_TABLES: Final = 10
_MOST_LINES: Final = 200
"""Between a statement and the line that it is below."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module, and what is written in it."""

    name: str
    path: Path
    is_package: bool
    source: bytes = field(repr=False, compare=False)


class Foreseen:
    """Follows imports through folders of modules, of which the first counts that has a name.

    Parameters
    ----------
    folders
        The app's, then its packages'.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._found: dict[str, Module | None] = {}
        """By name; None for a name that is no module of these folders."""

    def follow(self, name: str) -> Iterator[Module]:
        """Find a module, the packages that it is in and what they import, in the order in which they are loaded."""
        pending = [name]
        while pending:
            name = pending.pop()
            if name in self._found or not _MODULE.fullmatch(name):
                continue
            parent, _, last = name.rpartition(".")
            if parent and parent not in self._found:
                pending += [name, parent]
                continue
            module = self._found[name] = self._find(name, parent, last)
            if module is not None:
                yield module
                pending += reversed(list(imports(module)))
            elif parent and (package := self._found[parent]) is not None:
                pending += self._loaded_for(package, last)

    def _loaded_for(self, package: Module, name: str) -> Iterator[str]:
        """Find the module that a package loads when it is asked for a name, if it has a table of them.

        Such a table, as in ``{"Name": ("package.module", ...)}``, is in the package, or in a module it loads itself.
        """
        if not package.is_package or _WHEN_ASKED not in package.source:
            return
        own = [found for key, found in self._found.items() if found and key.rpartition(".")[0] == package.name]
        for module in (package, *own[:_MOST_TABLES]):
            for quoted in (f"'{name}'", f'"{name}"'):
                position = module.source.find(quoted.encode())
                if position >= 0 and (entry := _ENTRY.match(module.source, position + len(quoted))):
                    yield entry[1].decode()

    def _find(self, name: str, parent: str, last: str) -> Module | None:
        folders = self._folders
        if parent:
            package = self._found[parent]
            folders = [package.path.parent] if package is not None and package.is_package else []
        for folder in folders:
            for path in (folder / last / "__init__.py", folder / f"{last}.py"):
                if (source := _read(path)) is not None:
                    return Module(name, path, path.parent != folder, source)
        return None


def imports(module: Module) -> Iterator[str]:
    """Names of the modules, and of what may be one, that a module imports when it is loaded."""
    source = module.source
    for found in itertools.islice(_IMPORT.finditer(source), _MOST_STATEMENTS):
        earliest = max(0, found.start() - _MOST_HEAD)
        begin = source.rfind(b"\n", earliest, found.start()) + 1 or earliest
        head = source[begin : found.start()]
        origin = _FROM.fullmatch(head)
        if (head.strip() and origin is None) or not _is_executed(source, begin):
            continue
        names = _NAMES.match(source, found.end() - 1)
        listed = _NAME.findall(_COMMENT.sub(b"", names[1])) if names else []
        words = [word.decode("ascii", "replace") for word in listed]
        if origin is None:
            yield from words
        elif base := _absolute(module, len(origin[1]), origin[2].decode("ascii", "replace")):
            yield base
            yield from (f"{base}.{word}" for word in words)


def _read(path: Path) -> bytes | None:
    """Read a source; None if there is none, or none that could be imported, or one that is too large."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                source = file.read(_MOST_BYTES + 1)
            return source if len(source) <= _MOST_BYTES else None
    except OSError:  # who imports it will hear of it
        pass
    return None


def _absolute(module: Module, level: int, name: str) -> str:
    """Resolve the name after ``from``; empty if it leads out of all packages."""
    if not level:
        return name
    parts = module.name.split(".")
    parts = parts[: len(parts) - level + module.is_package]
    return ".".join([*parts, name] if name else parts) if parts else ""


def _is_executed(source: bytes, begin: int) -> bool:
    """Whether the line that begins there is executed when the module is loaded."""
    indentation = _indentation(source, begin)
    for _ in range(_MOST_LINES):
        if not indentation or not begin:
            return True
        end = begin - 1
        begin = source.rfind(b"\n", 0, end) + 1
        line = source[begin:end].strip()
        outer = _indentation(source, begin)
        if not line or line.startswith(b"#") or outer >= indentation:
            continue
        if not line.startswith(_AT_LOAD) or _NEVER in line:
            return False
        indentation = outer
    return False


def _indentation(source: bytes, begin: int) -> int:
    position = begin
    while source[position : position + 1] in (b" ", b"\t"):
        position += 1
    return position - begin
