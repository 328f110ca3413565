"""What an import of one of our modules runs: its own imports, and theirs."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from infra.tools.build_folder import ROOT

OURS: Final = ("functions", "infra")


def imported(path: Path) -> Iterator[str]:
    """Yield what a file imports when it runs, wherever in it; imports for the type checker alone are left out."""
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending += node.orelse
        else:
            pending += ast.iter_child_nodes(node)


def files_of(module: str) -> list[Path]:
    """Return the files that an import of one of our modules runs, packages above it included; none for another name."""
    parts = module.split(".")
    folders = [ROOT.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
    return [file for each in folders for file in (each / "__init__.py", each.with_suffix(".py")) if file.is_file()]


def closure(*files: Path, without: Collection[Path] = ()) -> tuple[set[Path], dict[str, Path]]:
    """Return all files of ours that the imports of ``files`` run, and what else they import, with one file that does.

    Parameters
    ----------
    without
        Files that are left aside, with what only they import.
    """
    pending, read = list(files), set[Path]()
    others: dict[str, Path] = {}
    while pending:
        path = pending.pop()
        if path in read or path in without:
            continue
        read.add(path)
        for module in imported(path):
            top = module.partition(".")[0]
            if top in OURS:
                pending += files_of(module)
            else:
                others[top] = path
    return read, others
