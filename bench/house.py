"""Measure how the code is laid out: ``python -m bench.house REVISION`` writes docs/house.md, then and now.

A room is what lies directly in a tree: a package or a module. An arrow leads from a room to one that it imports.
"""

import ast
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import complexipy

from bench.page import replace_between
from bench.page import table as as_table

ROOT: Final = Path(__file__).resolve().parents[1]
_PAGE: Final = ROOT / "docs" / "house.md"
TREES: Final = (
    *("functions", "builder_image/builder", "builder_image/fast_lane"),
    *("infra", "cli/src/blue_faas_cli", "local"),
)
_IMPORTED_FROM: Final = ("builder_image/", "cli/src/")
"""Folders that are on the path, and so no part of a module's name."""
_COGNITIVE: Final = 15
_CYCLOMATIC: Final = 15
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While, ast.comprehension)
_BRANCHES: Final = (*_LOOPS, ast.If, ast.IfExp, ast.ExceptHandler, ast.match_case)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)

Public = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Figures:
    """What is counted of a tree, or of one of its rooms."""

    files: int = 0
    lines: int = 0
    functions: int = 0
    cyclomatic: int = 0
    """Functions over 10."""
    cognitive: int = 0
    """Functions over 15."""
    public: int = 0
    documented: int = 0
    rooms: set[str] = field(default_factory=set)
    arrows: set[tuple[str, str]] = field(default_factory=set)

    def row(self, name: str) -> list[str]:
        """Return the cells of a line of the table."""
        counts = (self.files, self.lines, len(self.rooms), len(self.arrows), self.functions)
        share = f"{100 * self.documented / max(self.public, 1):.0f} %"
        return [name, *(f"{count:,}" for count in (*counts, self.cyclomatic, self.cognitive)), share]


def measure(root: Path, tree: str) -> Figures:
    """Count what is in a tree; tests are left out."""
    figures = Figures()
    folder = root / tree
    for path in sorted(folder.rglob("*.py")):
        inside = path.relative_to(folder)
        if "tests" not in inside.parts:
            module = ast.parse(path.read_text("utf-8"))
            _count(figures, path, module)
            _follow(figures, _module_name(tree), inside, module)
    return figures


def _count(figures: Figures, path: Path, module: ast.Module) -> None:
    figures.files += 1
    figures.lines += len(path.read_text("utf-8").splitlines())
    public = list(_public(module))
    figures.public += len(public)
    figures.documented += sum(ast.get_docstring(node) is not None for node in public)
    functions = [node for node in ast.walk(module) if isinstance(node, _FUNCTIONS)]
    figures.functions += len(functions)
    figures.cyclomatic += sum(cyclomatic(function) > _CYCLOMATIC for function in functions)
    figures.cognitive += sum(found.complexity > _COGNITIVE for found in complexipy.file_complexity(str(path)).functions)


def _public(node: ast.Module | ast.ClassDef) -> Iterator[Public]:
    """Go through a module or a class, and what in it others may use."""
    yield node
    for inner in node.body:
        if isinstance(inner, ast.ClassDef) and not inner.name.startswith("_"):
            yield from _public(inner)
        elif isinstance(inner, _FUNCTIONS) and not inner.name.startswith("_"):
            yield inner


def cyclomatic(function: ast.AST) -> int:
    """Count the ways through a function (McCabe), those of functions in it included."""
    nodes = list(ast.walk(function))
    operators = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    return 1 + operators + sum(isinstance(node, _BRANCHES) for node in nodes)


def _module_name(tree: str) -> str:
    for folder in _IMPORTED_FROM:
        tree = tree.removeprefix(folder)
    return tree.replace("/", ".")


def _follow(figures: Figures, package: str, inside: Path, module: ast.Module) -> None:
    room = inside.parts[0].removesuffix(".py")
    if room == "__init__":
        return
    figures.rooms.add(room)
    for name in _imported(module):
        other = name.removeprefix(f"{package}.").partition(".")[0]
        if name.startswith(f"{package}.") and other != room:
            figures.arrows.add((room, other))


def _imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def table(root: Path) -> str:
    """Write the table of a checkout."""
    head = ["tree", "files", "lines", "rooms", "arrows", "functions", "cyclomatic > 15", "cognitive > 15", "docstrings"]
    trees = [name for tree in TREES for name in (tree, *_packages(root, tree))]
    return as_table(head, [measure(root, tree).row(f"`{tree}/`") for tree in trees if (root / tree).is_dir()])


def _packages(root: Path, tree: str) -> list[str]:
    found = sorted(path.parent.relative_to(root) for path in (root / tree).glob("*/__init__.py"))
    return [str(package) for package in found if package.name != "tests"]


def main() -> None:
    """Write both tables."""
    (revision,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as before:
        archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", before], input=archive, check=True)
        replace_between(_PAGE, "then", f"At `{revision}`:\n\n{table(Path(before))}")
    replace_between(_PAGE, "now", table(ROOT))


if __name__ == "__main__":
    main()
