"""The type check, beside the build: mypy on the app's own files, by the builder's configuration alone."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from builder import checked_files
from builder.errors import BuildError, TypeCheckError
from builder.log import BuildLog, printable
from builder.sandbox import Sandbox
from builder.source import App
from builder.toolchain import PYTHON_VERSION, Toolchain
from functions.contracts.build_result import TypeCheckError as Finding

PREFIX: Final = "MyPy validation failed: "

CONFIG: Final = f"""\
[mypy]
python_version = {PYTHON_VERSION}
namespace_packages = True
explicit_package_bases = True
disable_error_code = import-untyped
show_error_codes = True
"""
"""For the Python that the component runs on, whatever Python runs mypy. mypy's defaults, not strict: strict refuses
the SDK's own examples. A package without types is used as it is; a module that is not there stays an error, because the
build would not find it either."""

_RUNNER: Final = Path(__file__).with_name("mypy_runner.py")
_MISSING_HINT: Final = (
    "Name the package that holds the module: in requirements.txt at the root of the .zip, or in a single .py's script "
    'block (`# /// script`, `# dependencies = ["name"]`, `# ///`, at its top).'
)


def check(
    app: App, sandbox: Sandbox, toolchain: Toolchain, cache: Path, log: BuildLog, packages: Path | None = None
) -> None:
    """Check the app's files.

    Parameters
    ----------
    cache
        The prepared one, copied for this check.
    packages
        Folder of the installed packages: their types are known, they themselves are not checked.

    Raises
    ------
    TypeCheckError
        They have type errors.
    BuildError
        The check did not end.
    """
    groups = checked_files.groups(app)
    if not groups:
        log.line("nothing to type-check: the app has no Python of its own")
        return
    shown: dict[str, str] = {}
    orders: list[dict[str, Any]] = []
    for number, group in enumerate(groups):
        folder = sandbox.folder / f"group{number}"
        folder.mkdir()
        names = checked_files.copy(app, group, folder)
        shown |= {f"{number}/{name}": original for name, original in names.items()}
        orders.append(
            {"folder": str(folder), "prefix": str(number), "search": list(group.search), "files": sorted(names)}
        )
    report = _run(orders, sandbox, toolchain, cache, packages)
    if report["failures"]:
        raise BuildError(PREFIX + _with_names("; ".join(report["failures"]), orders, shown))
    if report["count"]:
        found = findings(report["errors"], shown)
        raise TypeCheckError(PREFIX + describe(found, report["count"]), found)


def _run(
    groups: list[dict[str, Any]], sandbox: Sandbox, toolchain: Toolchain, cache: Path, packages: Path | None
) -> dict[str, Any]:
    config = sandbox.folder / "mypy.ini"
    config.write_text(CONFIG, "utf-8")
    own_cache = sandbox.folder / "cache"
    if cache.is_dir():
        shutil.copytree(cache, own_cache)
    orders = sandbox.folder / "orders.json"
    text = {
        "config": str(config),
        "cache": str(own_cache),
        "packages": str(packages) if packages is not None else None,
        "groups": groups,
    }
    orders.write_text(json.dumps(text), "utf-8")
    sandbox.hand_over()
    command = [toolchain.python, "-I", "-c", _RUNNER.read_text("utf-8"), str(orders)]
    outcome = sandbox.run(command, sandbox.folder, sandbox.limits.type_check_seconds)
    if outcome.failure is not None:
        raise BuildError(f"{PREFIX}the type check {outcome.failure}.")
    report = _report(outcome.output.tail)
    return report or {"failures": [f"mypy ended with status {outcome.exit_code}"], "count": 0, "errors": []}


def findings(errors: list[dict[str, Any]], shown: dict[str, str]) -> list[Finding]:
    """mypy's findings under the uploader's file names."""
    return [
        Finding(
            file=printable(shown.get(error["file"], error["file"].partition("/")[2])),
            line=error["line"],
            code=error["code"],
            message=printable(error["message"]),
        )
        for error in errors
    ]


def describe(found: list[Finding], count: int) -> str:
    """Findings as mypy prints them, one a line."""
    lines = []
    for error in found:
        code = f"  [{error.code}]" if error.code else ""
        lines.append(f"{error.file}:{error.line}: error: {error.message}{code}")
    if count > len(found):
        lines.append(f"(the first {len(found)} of {count} errors)")
    if any(error.code == "import-not-found" for error in found):
        lines.append(_MISSING_HINT)
    return "\n".join(lines)


def _report(tail: str) -> dict[str, Any] | None:
    try:
        report = json.loads(tail.strip().rpartition("\n")[2])
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def _with_names(text: str, groups: list[dict[str, Any]], shown: dict[str, str]) -> str:
    # A complaint of mypy itself, outside its JSON: paths in it are those of the copy.
    for group in groups:
        text = text.replace(f"{group['folder']}/", "")
        for name in group["files"]:
            text = text.replace(name, shown[f"{group['prefix']}/{name}"])
    return printable(text)
