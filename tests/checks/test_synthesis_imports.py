"""`cdk synth` runs where requirements.txt is installed and nothing else: no AWS SDK, no Powertools."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from infra.tools.locks import locked

ROOT = Path(__file__).resolve().parents[2]
OURS = ("functions", "infra")


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports when it runs, wherever in it; those for the type checker alone are left out."""
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
    """The files that an import of one of our modules runs, packages above it included; none for a name in a module."""
    parts = module.split(".")
    folders = [ROOT.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
    return [file for each in folders for file in (each / "__init__.py", each.with_suffix(".py")) if file.is_file()]


def test_the_synthesis_imports_what_its_requirements_bring() -> None:
    installed = {canonicalize_name(each.name) for each, _ in locked((ROOT / "requirements.txt").read_text("utf-8"))}
    brought = {
        module for module, names in packages_distributions().items() if installed & set(map(canonicalize_name, names))
    }
    pending = [ROOT / "app.py"]
    read: set[Path] = set()
    missing: set[str] = set()
    while pending:
        path = pending.pop()
        if path in read:
            continue
        read.add(path)
        for module in imported(path):
            top = module.partition(".")[0]
            if top in OURS:
                pending += files_of(module)
            elif top not in sys.stdlib_module_names and top not in brought:
                missing.add(f"{path.relative_to(ROOT)} imports {top}")
    assert ROOT / "infra" / "storage.py" in read
    assert missing == set()
