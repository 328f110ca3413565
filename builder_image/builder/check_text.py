"""What the type check says to the uploader: findings as mypy prints them, and what to do about the usual ones."""

from collections.abc import Sequence
from typing import Any, Final

from builder.log import printable
from builder.toolchain import Toolchain
from functions.contracts.build_result import TypeCheckError as Finding

_NOT_FOUND: Final = frozenset({"import-not-found"})
_PACKAGE: Final = (
    "Name the package that holds the module: in requirements.txt at the root of the .zip, or in a single .py's script "
    'block (`# /// script`, `# dependencies = ["name"]`, `# ///`, at its top).'
)
_SINGLE_FILE: Final = (
    "A .py is built by itself. If the module is a file of yours, send a .zip with spin.toml, this file and that one."
)
_ZIP: Final = (
    "If the module is a file of yours, it is not in the .zip, or not in a folder that componentize-py looks in (-p)."
)
_EXAMPLE: Final = """\
from spin_sdk.http import IncomingHandler, Request, Response

class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain"}, b"ok")"""


def describe(found: Sequence[Finding], count: int, *, is_single_file: bool) -> str:
    """Findings as mypy prints them, one a line, and hints below."""
    lines = []
    for error in found:
        code = f"  [{error.code}]" if error.code else ""
        lines.append(f"{error.file}:{error.line}: error: {error.message}{code}")
    if count > len(found):
        lines.append(f"(the first {len(found)} of {count} errors)")
    return "\n".join([*lines, *_hints(found, is_single_file=is_single_file)])


def _hints(found: Sequence[Finding], *, is_single_file: bool) -> list[str]:
    """What to do about modules that are not there."""
    relative = any("relative import" in error.message for error in found)
    missing = [error for error in found if error.code in _NOT_FOUND]
    hints = []
    if missing:
        hints.append(_PACKAGE)
    if missing or relative:
        hints.append(_SINGLE_FILE if is_single_file else _ZIP)
    return hints


def missing_handler(report: dict[str, Any], toolchain: Toolchain) -> str:
    """What stands in a file in place of the class that answers requests, and how it is written."""
    shown = printable(report["shown"])[:100]
    where = f"{printable(report['file'])}:{report['line']}" if report["line"] else printable(report["file"])
    match report["kind"]:
        case "name":
            return (
                f"{where}: class {shown} derives from IncomingHandler, but Spin calls a class of just that name. Call "
                "it IncomingHandler: class IncomingHandler(IncomingHandler)."
            )
        case "sdk4":
            version = toolchain.versions["spin-sdk"]
            what = f"class {shown} is written for version 4 of spin-sdk, and the builder has {version}."
        case "lambda":
            what = f"def {shown} is how a function of AWS Lambda is written."
        case _:
            what = "there is no class IncomingHandler, which is what Spin calls."
    return f"{where}: {what} A class answers requests here:\n{_EXAMPLE}"
