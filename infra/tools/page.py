"""What the page at ``/ui`` brings from npm: ``python -m infra.tools.page`` puts it beside the page's own files.

With a folder as its argument it installs that folder's packages below build/, as the tests want them.

npm takes the packages by the digests of the lock. A browser loads the modules as they come, but for the names that they
import each other by: without an import map, which the page's Content-Security-Policy would have to allow as a script of
its own, these have to be paths.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.tools.build_folder import BUILD, ROOT, put_in_place, scratch_for

UI: Final = ROOT / "functions" / "ui"
STATIC: Final = UI / "static"
VENDOR: Final = STATIC / "vendor"
MARK: Final = VENDOR / ".made-from"
"""What the modules were made from."""

_MODULES: Final = {
    "htm.js": "htm/dist/htm.module.js",
    "hooks.js": "preact/hooks/dist/hooks.mjs",
    "preact.js": "preact/dist/preact.mjs",
}
"""File of the page to file of a package."""
_LICENSES: Final = {"htm.LICENSE": "htm/LICENSE", "preact.LICENSE": "preact/LICENSE"}
"""Terms that go wherever the modules go. They are not served."""
_PATHS: Final = {"preact": "./preact.js"}
"""Package to what a module of the page imports instead."""
_IMPORT: Final = re.compile(r"""(?P<before>\bfrom|\bimport)(?P<quote>["'])(?P<name>[^"'.][^"']*)(?P=quote)""")
_SOURCE_MAP: Final = re.compile(r"\n?//# sourceMappingURL=.*\s*$")


class PageError(Exception):
    """The packages could not be had; the message has the last lines of what npm wrote."""


def vendor() -> Path:
    """Put the packages' modules into the page; they are made again only when the lock has changed.

    Raises
    ------
    PageError
        npm is missing, its registry did not answer, or a package has another digest than the lock.
    """
    wanted = _digest()
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "page.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # clouds and bundles may be made side by side
        if MARK.exists() and MARK.read_text("utf-8") == wanted:
            return VENDOR
        packages = npm_packages(UI)
        VENDOR.mkdir(exist_ok=True)
        for name, source in _MODULES.items():
            (VENDOR / name).write_text(_for_browsers((packages / source).read_text("utf-8")), "utf-8")
        for name, source in _LICENSES.items():
            shutil.copyfile(packages / source, VENDOR / name)
        MARK.write_text(wanted, "utf-8")
    return VENDOR


def files() -> list[Path]:
    """Return the files of the page, with what it brings from npm.

    Raises
    ------
    PageError
        As `vendor`.
    """
    vendor()
    return sorted(path for path in STATIC.rglob("*") if path.is_file() and not path.name.startswith("."))


def npm_packages(folder: Path) -> Path:
    """Install the locked packages of a folder's package.json below build/; return their ``node_modules``.

    Raises
    ------
    PageError
        As `vendor`.
    """
    files = [folder / "package.json", folder / "package-lock.json"]
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    target = BUILD / "npm" / f"{folder.name}-{digest}"
    if not target.exists():
        scratch = scratch_for(target)
        scratch.mkdir()
        for file in files:
            shutil.copyfile(file, scratch / file.name)
        _npm_ci(scratch)
        put_in_place(scratch, target)
    return target / "node_modules"


def _npm_ci(folder: Path) -> None:
    command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PageError("Missing: npm (Debian: apt-get install npm), which brings the page's packages") from None
    if done.returncode != 0:
        tail = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise PageError(f"npm could not install the packages of {folder.name}: {tail}")


def _for_browsers(module: str) -> str:
    """Return a module that imports paths, and names no source map, which is not served."""
    return _IMPORT.sub(lambda match: f'{match["before"]}"{_PATHS[match["name"]]}"', _SOURCE_MAP.sub("\n", module))


def _digest() -> str:
    files = (UI / "package.json", UI / "package-lock.json", Path(__file__))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def main() -> None:
    """Put the packages' modules into the page, or install the packages of the folder that is named."""
    try:
        npm_packages(Path(sys.argv[1])) if sys.argv[1:] else vendor()
    except PageError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
