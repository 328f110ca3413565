"""Runs inside the sandbox, by the toolchain's interpreter: mypy on each program, its findings as JSON on one line.

It is copied there (see `typecheck`), because the sandbox's user need not be able to read the builder. Standard library
and mypy only. What mypy finds by design and every Spin app does (`sdk_classes.idioms`) is left out here, where sources
are parsed in a process that may crash on them.
"""

import functools
import gc
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from builder.typecheck import handler_answers, sdk_classes

MOST_ERRORS = 50
MOST_CHARACTERS = 2000
MOST_BYTES = 128 * 1024  # of all findings: what the builder keeps of a tool's output is twice as much


def main() -> None:
    """Orders come as a JSON file named in argv: config, cache, and for each program what `_check` takes."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123
        orders = json.load(file)
    errors: list[dict[str, Any]] = []
    failures: list[str] = []
    handlers: list[dict[str, Any]] = []
    for program in orders["programs"]:
        found, failure = _check(program, orders["config"], orders["cache"])
        errors += [error for error in found if error not in errors]
        failures += [failure] if failure else []
        for path in program["handlers"]:
            if fault := sdk_classes.missing_handler(path) or handler_answers.unfit_answer(path):
                handlers.append({"file": program["names"][path], **asdict(fault)})
    print(json.dumps({"errors": shortened(errors), "count": len(errors), "failures": failures, "handlers": handlers}))  # noqa: T201
    gc.freeze()  # at its end Python would look for garbage in all that mypy has loaded


def _check(program: dict[str, Any], config: str, cache: str) -> tuple[list[dict[str, Any]], str]:
    """Check one program: findings in the app's own files under the uploader's names, and what kept mypy from looking.

    Parameters
    ----------
    program
        ``folder`` to run in, in it ``entries``, the files to begin with, and ``search``, where their imports are looked
        for; ``packages`` are folders of others' code; ``names`` maps each of the app's own files to its shown name.
    """
    from mypy import api

    os.chdir(program["folder"])
    os.environ["MYPYPATH"] = os.pathsep.join(program["search"])
    know_packages(program["packages"])
    arguments = ["--config-file", config, "--cache-dir", cache, "--output", "json"]
    arguments += ["--python-executable", sys.executable]
    report, complaint, status = api.run([*arguments, "--", *program["entries"]])
    found = [json.loads(line) for line in report.splitlines() if line.startswith("{")]
    if status not in (0, 1) and not found:
        return [], (complaint or report).strip()[-MOST_CHARACTERS:]
    idioms = functools.cache(sdk_classes.idioms)
    names: dict[str, str] = program["names"]
    errors = []
    for error in found:
        path = os.path.normpath(error["file"])
        # What the app ships of others' is not the uploader's to correct, unless mypy stopped at it (status 2).
        counts = error["severity"] == "error" and (path in names or status == 2)
        if counts and not (error["code"] == "no-redef" and is_idiom(error, idioms(path))):
            message = error["message"][:MOST_CHARACTERS]
            errors.append({**error, "file": names.get(path, os.path.basename(path)), "message": message})  # noqa: PTH119
    return errors, ""


def is_idiom(error: dict[str, Any], idioms: list[tuple[str, int, int]]) -> bool:
    """Whether mypy complains of one of these classes."""
    return any(f'"{name}"' in error["message"] and first <= error["line"] <= last for name, first, last in idioms)


def shortened(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first findings, as many as fit."""
    kept: list[dict[str, Any]] = []
    left = MOST_BYTES
    for error in errors[:MOST_ERRORS]:
        left -= len(json.dumps(error))
        if left < 0:
            break
        kept.append(error)
    return kept


def know_packages(folders: list[str]) -> None:
    """Have mypy look for modules in ``folders`` as in site-packages: typed packages count, no package is judged.

    It takes the folders from ``sys.path``, once, and keeps them (mypy 2.4, modulefinder.get_search_dirs). The folders
    are on the path only for that: nothing is ever imported from them.
    """
    from mypy import modulefinder

    modulefinder.get_search_dirs.cache_clear()
    sys.path += folders
    modulefinder.get_search_dirs(sys.executable)
    del sys.path[len(sys.path) - len(folders) :]
