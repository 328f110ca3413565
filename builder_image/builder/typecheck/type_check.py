"""The type check, beside the build: mypy on what the app imports, by the builder's configuration alone."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from builder.errors import BuildError, TypeCheckFailedError
from builder.log import BuildLog, printable
from builder.sandbox.run import Sandbox
from builder.source.upload import App
from builder.toolchain import PYTHON_VERSION, Toolchain
from builder.typecheck import check_text, checked_files
from builder.typecheck.own_files import OwnFiles
from functions.contracts.build_result import Finding

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

_IN_SANDBOX: Final = (
    "__init__.py",
    *(f"typecheck/{name}.py" for name in ("__init__", "mypy_runner", "sdk_classes", "handler_answers")),
)
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from builder.typecheck.mypy_runner import main; "
    "del sys.path[0], sys.argv[1]; main()"
)


def check(
    app: App, sandbox: Sandbox, toolchain: Toolchain, cache: Path, log: BuildLog, packages: Path | None = None
) -> None:
    """Check the app's own files, from the modules that its components begin with along their imports.

    Parameters
    ----------
    cache
        The prepared one, copied for this check.
    packages
        Folder of the installed packages: their types are known, they themselves are not checked.

    Raises
    ------
    TypeCheckFailedError
        They have type errors.
    BuildError
        The check did not end, or a component has no class that answers requests.
    """
    files = OwnFiles(app.folder)
    programs = checked_files.programs(app, files)
    if not programs:
        log.line("nothing to type-check: the app has no Python of its own")
        return
    orders: list[dict[str, Any]] = []
    for number, program in enumerate(programs):
        target = sandbox.folder / f"program{number}"
        copied = checked_files.copy(app, program, files, target)
        log.line(f"checking {', '.join(copied.names[path] for path in copied.entries)}, and what is imported there")
        orders.append(
            {
                "folder": str(target / "own"),
                "entries": copied.entries,
                "search": list(program.search),
                "packages": [*copied.packages, *([str(packages)] if packages is not None else [])],
                "names": copied.names,
                "handlers": copied.handlers,
            }
        )
    report = _run(orders, sandbox, toolchain, cache)
    if report["failures"]:
        raise BuildError(PREFIX + check_text.describe_failure(_with_names("; ".join(report["failures"]), orders)))
    handlers = [check_text.describe_handler(handler, toolchain) for handler in report["handlers"]]
    if report["count"]:
        found = findings(report["errors"])
        text = check_text.describe(found, report["count"], is_single_file=app.single_file is not None)
        raise TypeCheckFailedError(PREFIX + "\n".join([text, *handlers]), found)
    if handlers:
        raise BuildError("\n".join(handlers))


def _run(programs: list[dict[str, Any]], sandbox: Sandbox, toolchain: Toolchain, cache: Path) -> dict[str, Any]:
    config = sandbox.folder / "mypy.ini"
    config.write_text(CONFIG, "utf-8")
    own_cache = sandbox.folder / "cache"
    if cache.is_dir():
        shutil.copytree(cache, own_cache)
    code = sandbox.folder / "code"
    (code / "builder" / "typecheck").mkdir(parents=True)
    for name in _IN_SANDBOX:
        shutil.copyfile(Path(__file__).parents[1] / name, code / "builder" / name)
    orders = sandbox.folder / "orders.json"
    orders.write_text(json.dumps({"config": str(config), "cache": str(own_cache), "programs": programs}), "utf-8")
    sandbox.hand_over()
    command = [toolchain.python, "-I", "-c", _START, str(code), str(orders)]
    outcome = sandbox.run(command, sandbox.folder, sandbox.limits.type_check_seconds)
    if outcome.failure is not None:
        raise BuildError(f"{PREFIX}the type check {outcome.failure}.")
    report = _report(outcome.output.tail)
    return report or {
        "failures": [f"mypy ended with status {outcome.exit_code}"],
        "count": 0,
        "errors": [],
        "handlers": [],
    }


def findings(errors: list[dict[str, Any]]) -> list[Finding]:
    """Make mypy's findings fit to be shown."""
    return [
        Finding(
            file=printable(error["file"]), line=error["line"], code=error["code"], message=printable(error["message"])
        )
        for error in errors
    ]


def _report(tail: str) -> dict[str, Any] | None:
    try:
        report = json.loads(tail.strip().rpartition("\n")[2])
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def _with_names(text: str, programs: list[dict[str, Any]]) -> str:
    # A complaint of mypy itself, outside its JSON: paths in it are those of the copy.
    for program in programs:
        text = text.replace(f"{program['folder']}/", "")
        for name, shown in program["names"].items():
            text = text.replace(name, shown)
    return printable(text)
