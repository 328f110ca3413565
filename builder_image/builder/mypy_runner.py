"""Runs inside the sandbox, by the toolchain's interpreter: mypy on each group, its findings as JSON on one line.

Given to ``python -I -c`` as text, because the sandbox's user need not be able to read the builder. Standard library
and mypy only. What mypy finds by design and every Spin app does (see `is_idiom`) is left out here, where the source is
parsed in a process that may crash on it.
"""

import ast
import gc
import json
import os
import sys
from typing import Any

MOST_ERRORS = 50
MOST_CHARACTERS = 2000
MOST_BYTES = 128 * 1024  # of all findings: what the builder keeps of a tool's output is twice as much


def main() -> None:
    """Orders come as a JSON file named in argv: config and cache, and per group its folder, search path and files."""
    from mypy import api

    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123
        orders = json.load(file)
    if orders["packages"] is not None:
        know_packages(orders["packages"])
    errors: list[dict[str, Any]] = []
    failures: list[str] = []
    for group in orders["groups"]:
        os.chdir(group["folder"])
        os.environ["MYPYPATH"] = os.pathsep.join(group["search"])
        arguments = ["--config-file", orders["config"], "--cache-dir", orders["cache"], "--output", "json"]
        arguments += ["--python-executable", sys.executable]
        report, complaint, status = api.run([*arguments, "--", *group["files"]])
        found = [json.loads(line) for line in report.splitlines() if line.startswith("{")]
        if status not in (0, 1) and not found:
            failures.append((complaint or report).strip()[-MOST_CHARACTERS:])
        # What the app ships of others' is not the uploader's to correct, unless mypy stopped at it (status 2).
        own = set(group["files"])
        for error in found:
            counts = error["severity"] == "error" and (error["file"] in own or status == 2)
            if counts and not is_idiom(error):
                name = os.path.normpath(os.path.join(group["prefix"], error["file"]))  # noqa: PTH118
                errors.append({**error, "file": name, "message": error["message"][:MOST_CHARACTERS]})
    print(json.dumps({"errors": shortened(errors), "count": len(errors), "failures": failures}))  # noqa: T201
    gc.freeze()  # at its end Python would look for garbage in all that mypy has loaded


def shortened(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first findings, as many as fit."""
    kept: list[dict[str, Any]] = []
    left = MOST_BYTES
    for error in errors[:MOST_ERRORS]:
        left -= len(json.dumps(error))
        if left < 0:
            break
        kept.append(error)
    return kept


def know_packages(folder: str) -> None:
    """Have mypy look for modules in ``folder`` as in site-packages: typed packages count, no package is judged.

    It takes the folders from ``sys.path``, once, and keeps them (mypy 2.4, modulefinder.get_search_dirs). The folder is
    on the path only for that: nothing is ever imported from it.
    """
    from mypy import modulefinder

    sys.path.append(folder)
    modulefinder.get_search_dirs(sys.executable)
    sys.path.remove(folder)


def is_idiom(error: dict[str, Any]) -> bool:
    """Whether this is ``class X(X):`` right after X came from spin_sdk, as in every Spin 3 Python app.

    mypy calls it a redefinition (no-redef). Any other redefinition stays an error.
    """
    if error["code"] != "no-redef":
        return False
    try:
        with open(error["file"], encoding="utf-8-sig") as file:  # noqa: PTH123
            statements = top_level(file.read())
    except (OSError, ValueError, RecursionError, MemoryError):
        return False
    imported: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.ClassDef) and _first_line(statement) <= error["line"] <= statement.lineno:
            bases = {base.id for base in statement.bases if isinstance(base, ast.Name)}
            return statement.name in imported and statement.name in bases
        if isinstance(statement, ast.ImportFrom) and statement.level == 0 and _is_sdk(statement.module or ""):
            imported |= {alias.asname or alias.name for alias in statement.names}
        else:
            imported -= _bound(statement)
    return False


def top_level(source: str) -> list[ast.stmt]:
    """Statements of a module; without those that only a later Python than this one can read."""
    try:
        return ast.parse(source).body
    except SyntaxError:
        pass
    statements: list[ast.stmt] = []
    for start, lines in _chunks(source.splitlines()):
        for text in ("\n".join(lines), f"{lines[0]}\n    pass"):  # all of it, or just its first line
            try:
                found = ast.parse("\n" * start + text).body
            except SyntaxError:
                continue
            statements += found
            break
    return statements


def _chunks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Lines from one that starts in the first column to the next: a statement, as people write them."""
    chunks: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines):
        if line and (line[0].isidentifier() or line[0] == "@"):
            chunks.append((number, [line]))
        elif chunks:
            chunks[-1][1].append(line)
    return chunks


def _is_sdk(module: str) -> bool:
    return module == "spin_sdk" or module.startswith("spin_sdk.")


def _first_line(statement: ast.ClassDef) -> int:
    return min([statement.lineno, *(decorator.lineno for decorator in statement.decorator_list)])


def _bound(statement: ast.stmt) -> set[str]:
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
    return names


if __name__ == "__main__":
    main()
