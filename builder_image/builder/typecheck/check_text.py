"""What the type check says to the uploader: findings as mypy prints them, and what to do about the usual ones."""

import re
from collections.abc import Sequence
from typing import Any, Final

from builder.log import printable
from builder.packages.requirements import NAME_THE_PACKAGE
from builder.toolchain import Toolchain
from functions.contracts.build_result import Finding

_MODULE: Final = re.compile(r'module named "([^"]+)"')
_SINGLE_FILE: Final = (
    "A .py is built by itself. If the module is a file of yours, send a .zip with spin.toml, this file and that one."
)
_ZIP: Final = (
    "If the module is a file of yours, it is not in the .zip, or not in a folder that componentize-py looks in (-p)."
)
_OTHER_SDK: Final = (
    "The builder has its own version of spin-sdk, whatever requirements.txt names; its modules are http, key_value, "
    "llm, mqtt, mysql, postgres, redis, sqlite, variables and wit."
)
_ENCODING: Final = (
    "Save the file as UTF-8. A Python source in another encoding says so in its first line: # -*- coding: cp949 -*-"
)
_EXAMPLE: Final = """\
from spin_sdk.http import IncomingHandler, Request, Response

class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {"content-type": "text/plain"}, b"ok")"""


def describe(found: Sequence[Finding], count: int, *, is_single_file: bool) -> str:
    """Write findings as mypy prints them, one a line, and hints below."""
    lines = []
    for error in found:
        code = f"  [{error.code}]" if error.code else ""
        lines.append(f"{error.file}:{error.line}: error: {error.message}{code}")
    if count > len(found):
        lines.append(f"(the first {len(found)} of {count} errors)")
    return "\n".join([*lines, *_hints(found, is_single_file=is_single_file)])


def _hints(found: Sequence[Finding], *, is_single_file: bool) -> list[str]:
    """Say what to do about modules that are not there, by whose they are."""
    named = [
        match[1] for error in found if error.code == "import-not-found" and (match := _MODULE.search(error.message))
    ]
    hints = []
    if any(not name.startswith((".", "spin_sdk")) for name in named):
        hints.append(NAME_THE_PACKAGE)
    if any(not name.startswith("spin_sdk") for name in named):
        hints.append(_SINGLE_FILE if is_single_file else _ZIP)
    if any(name.startswith("spin_sdk") for name in named):
        hints.append(_OTHER_SDK)
    return hints


def describe_failure(text: str) -> str:
    """Say what kept mypy from checking anything, and what to do about it."""
    return f"{text}\n{_ENCODING}" if "Cannot decode file" in text else text


def describe_handler(report: dict[str, Any], toolchain: Toolchain) -> str:
    """Say what keeps a file from answering requests, and how a class that does is written."""
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
        case "answer":
            what = f"handle_request returns {shown} and has to return a Response."
        case "async":
            what = "handle_request is async, and Spin 3 calls it as a plain function."
        case _:
            what = "there is no class IncomingHandler, which is what Spin calls."
    return f"{where}: {what} A class answers requests here:\n{_EXAMPLE}"
