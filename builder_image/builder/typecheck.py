"""The type check, beside the build: mypy on the app's own files, by the builder's configuration alone."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from builder import checked_files
from builder.errors import BuildError
from builder.log import BuildLog, printable
from builder.sandbox import Sandbox
from builder.source import App
from builder.toolchain import Toolchain

PREFIX: Final = "MyPy validation failed: "

CONFIG: Final = """\
[mypy]
python_version = 3.11
namespace_packages = True
explicit_package_bases = True
disable_error_code = import-untyped
show_error_codes = True
"""
"""mypy's defaults, not strict: strict refuses the SDK's own examples. A package without types is used as it is; a
module that is not there stays an error, because the build would not find it either."""

_RUNNER: Final = Path(__file__).with_name("mypy_runner.py")
_MISSING_HINT: Final = (
    "The builder installs nothing: put the package's files into the .zip beside the app "
    "(pip install --target . <package>)."
)


def check(app: App, sandbox: Sandbox, toolchain: Toolchain, cache: Path, log: BuildLog) -> None:
    """Check the app's files; ``cache`` is the prepared one, copied for this check.

    Raises
    ------
    BuildError
        They have type errors, or the check did not end.
    """
    groups = checked_files.groups(app)
    if not groups:
        log.line("nothing to type-check: the app has no Python of its own")
        return
    shown: dict[str, str] = {}
    orders = []
    for number, group in enumerate(groups):
        folder = sandbox.folder / f"group{number}"
        folder.mkdir()
        names = checked_files.copy(app, group, folder)
        shown |= {f"{number}/{name}": original for name, original in names.items()}
        orders.append(
            {"folder": str(folder), "prefix": str(number), "search": list(group.search), "files": sorted(names)}
        )
    _run(orders, sandbox, toolchain, cache, shown)


def _run(
    groups: list[dict[str, Any]], sandbox: Sandbox, toolchain: Toolchain, cache: Path, shown: dict[str, str]
) -> None:
    config = sandbox.folder / "mypy.ini"
    config.write_text(CONFIG, "utf-8")
    own_cache = sandbox.folder / "cache"
    if cache.is_dir():
        shutil.copytree(cache, own_cache)
    orders = sandbox.folder / "orders.json"
    orders.write_text(json.dumps({"config": str(config), "cache": str(own_cache), "groups": groups}), "utf-8")
    sandbox.hand_over()
    command = [toolchain.python, "-I", "-c", _RUNNER.read_text("utf-8"), str(orders)]
    outcome = sandbox.run(command, sandbox.folder, sandbox.limits.type_check_seconds)
    if outcome.failure is not None:
        raise BuildError(f"{PREFIX}the type check {outcome.failure}.")
    report = _report(outcome.output.tail)
    if report is None or report["failures"]:
        reason = "; ".join(report["failures"]) if report else f"mypy ended with status {outcome.exit_code}"
        raise BuildError(PREFIX + _with_names(reason, groups, shown))
    if report["count"]:
        raise BuildError(PREFIX + describe(report["errors"], report["count"], shown))


def describe(errors: list[dict[str, Any]], count: int, shown: dict[str, str]) -> str:
    """mypy's findings as mypy prints them, one a line, under the uploader's file names."""
    lines = []
    for error in errors:
        name = shown.get(error["file"], error["file"].partition("/")[2])
        code = f"  [{error['code']}]" if error["code"] else ""
        lines.append(printable(f"{name}:{error['line']}: error: {error['message']}{code}"))
    if count > len(errors):
        lines.append(f"(the first {len(errors)} of {count} errors)")
    if any(error["code"] == "import-not-found" for error in errors):
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
