"""What the tests of the page run: npm's packages by the lock beside this file, Node.js, a browser if there is one."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from infra.tools.build_folder import BUILD, ROOT
from infra.tools.page import npm_packages

HERE: Final = Path(__file__).resolve().parent
STATIC: Final = ROOT / "functions" / "ui" / "static"
MODULES: Final = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.parts)
WORK: Final = BUILD / "ui"
"""Folder of what the tests leave: screenshots, generated types."""
NO_BROWSER: Final = "Not run: the tests of /ui in a browser; there is no chromium (Debian: apt-get install chromium)"


@cache
def packages() -> Path:
    """Return the ``node_modules`` of the locked packages."""
    return npm_packages(HERE)


def node(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Node.js; what it prints is returned, with errors."""
    environment = {**os.environ, "NODE_MODULES": str(packages()), "NODE_NO_WARNINGS": "1", **variables}
    return subprocess.run(
        ["node", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def chromium() -> str | None:
    """Return the path of a Chromium; None where the machine has none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


needs_browser = pytest.mark.skipif(chromium() is None, reason=NO_BROWSER)


def journey(name: str, address: str, **variables: str) -> None:
    """Run a journey of ``browser/`` in a real browser; what it sees is kept as pictures below `WORK`.

    Raises
    ------
    AssertionError
        Has what the journey printed.
    """
    given = {"CHROMIUM": str(chromium()), "ADDRESS": address, "PICTURES": str(WORK / "pictures")}
    if os.geteuid() == 0:
        given["SANDBOX"] = "no"  # Chromium's sandbox refuses to be root's
    done = node(HERE / "browser" / f"{name}.js", **given, **variables)
    assert done.returncode == 0, done.stdout
