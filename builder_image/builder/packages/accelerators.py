"""Decide whether a package works without its native code: many ship it only to be faster.

A wheel's native modules are left out, because a component cannot load them. What then breaks is read from the package's
own imports, without running it. Native code is necessary when importing the package imports a missing module for
certain, with nothing to catch the failure. It is necessary, too, when a missing module has a public name and nothing in
the package is prepared for its absence: the module is what the package is for (``lxml.etree``).
"""

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_NATIVE: Final = re.compile(r"\.(?:so(?:\.[0-9]+)*|pyd|dylib)$")
_MOST_MODULES: Final = 500
_MOST_BYTES: Final = 256 * 1024
_CAUGHT: Final = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Necessary:
    """Why a package cannot do without its native code."""

    module: str
    """The missing module."""
    place: str | None = None
    """``file:line`` of the import that fails, where one does for certain."""


def is_native(path: str) -> bool:
    """Whether a file of a wheel holds native code, by its name."""
    return _NATIVE.search(path) is not None


def missing_modules(folder: Path, left_out: Iterable[str]) -> frozenset[str]:
    """Name the modules that are gone with native files: ``yaml/_yaml.cpython-312-x86_64.so`` was ``yaml._yaml``.

    Libraries are no modules, and a module that is there in Python too is not missing.
    """
    found = set()
    for path in left_out:
        file = PurePosixPath(path)
        parts = [*file.parent.parts, file.name.partition(".")[0]]
        if all(part.isidentifier() for part in parts) and _file(folder, ".".join(parts)) is None:
            found.add(".".join(parts))
    return frozenset(found)


def necessary(folder: Path, packages: Collection[str], missing: Collection[str]) -> Necessary | None:
    """Find what makes the missing modules necessary; None where the package works without them.

    Parameters
    ----------
    folder
        Installed packages, native files left out.
    packages
        Top-level modules to start from.
    missing
        Modules that were left out and have no Python file of the same name.
    """
    seen: set[str] = set()
    pending = sorted(packages)
    while pending and len(seen) < _MOST_MODULES:
        module = pending.pop()
        if module in seen:
            continue
        seen.add(module)
        file = _file(folder, module)
        if file is None:
            continue
        for line, target in _imports(file, module, _certain):
            if target in missing:
                return Necessary(target, f"{file.relative_to(folder)}:{line}")
            if target.partition(".")[0] in packages:
                pending.append(target)
    return _public(folder, packages, missing)


def _public(folder: Path, packages: Collection[str], missing: Collection[str]) -> Necessary | None:
    """Find a missing module with a public name that the package nowhere tries to do without."""
    public = {module for module in missing if not any(part.startswith("_") for part in module.split("."))}
    files = [file for package in packages for file in sorted((folder / package).rglob("*.py"))]
    for file in files[:_MOST_MODULES] if public else []:
        module = ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        public -= {target for _, target in _imports(file, module, _caught)}
    return Necessary(min(public)) if public else None


def _file(folder: Path, module: str) -> Path | None:
    base = folder.joinpath(*module.split("."))
    found = next((file for file in (base / "__init__.py", base.with_name(f"{base.name}.py")) if file.is_file()), None)
    return found if found is not None and found.stat().st_size <= _MOST_BYTES else None


def _imports(
    file: Path, module: str, choose: Callable[[list[ast.stmt]], Iterator[ast.stmt]]
) -> Iterator[tuple[int, str]]:
    """Modules that the chosen statements of a module import, each with its line."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in choose(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from ((node.lineno, name) for name in _with_parents(alias.name))
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            if base:
                yield from ((node.lineno, name) for name in _with_parents(base))
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _certain(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run whenever the module is imported, and whose failure nothing catches.

    What stands under a condition is not certain.
    """
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.ClassDef | ast.With | ast.Try) and not _guards(statement):
            yield from _certain(statement.body)


def _caught(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Find imports, anywhere in the module, whose failure is caught."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Try | ast.With) and _guards(node):
                yield from (part for inner in node.body for part in ast.walk(inner) if isinstance(part, ast.stmt))


def _guards(statement: ast.stmt) -> bool:
    """Whether an ImportError in the body of the statement ends there: ``try``, or ``with suppress(ImportError)``."""
    if isinstance(statement, ast.Try):
        return any(_catches(handler) for handler in statement.handlers)
    return isinstance(statement, ast.With) and any(isinstance(item.context_expr, ast.Call) for item in statement.items)


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether an ImportError ends in this handler, rather than being raised again."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    caught = any(kind is None or (isinstance(kind, ast.Name) and kind.id in _CAUGHT) for kind in kinds)
    return caught and not any(isinstance(node, ast.Raise) for part in handler.body for node in ast.walk(part))


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))
