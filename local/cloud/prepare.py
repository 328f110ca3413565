"""``python -m local.cloud.prepare``: what the one-machine cloud needs once.

Toolchain, ``spin`` stand-in, mypy's cache, and what the page at ``/ui`` brings from npm.

Each part is made again only when its pins or its code change. `make setup` runs this; so does a start that finds a part
missing.
"""

import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from infra.tools import page
from local.cloud.places import MYPY_CACHE, ROOT, SPIN_ENVIRONMENT, TOOLCHAIN, others_can_enter, shared_root

_UV = ROOT / ".venv" / "bin" / "uv"
_SPIN_FOLDERS = ("local/spin_cli", "local/oci", "builder_image/builder/source", "functions/contracts")
_SPIN_PACKAGES = ("local/__init__.py", "builder_image/builder/__init__.py", "functions/__init__.py")


class PrepareError(Exception):
    """A part could not be made; one line that says what is missing."""


def prepare(say: Callable[[str], None] = print) -> None:
    """Make what is missing or out of date.

    Raises
    ------
    PrepareError
        No usable Python for the build user, or a package index did not answer.
    """
    root = shared_root()
    root.mkdir(parents=True, exist_ok=True)
    try:
        page.vendor()
    except page.PageError as problem:
        raise PrepareError(str(problem)) from None
    toolchain = root / TOOLCHAIN
    made = _environment(toolchain, ROOT / "builder_image" / "toolchain.txt", say)
    if made:
        say("Compiling what functions are built from")
    # Asked each time: it knows what it was made from, and that is more than this file could compare.
    _run(
        [str(toolchain / "bin" / "python"), "-m", "fast_lane.install", str(toolchain)],
        "the fast lane",
        {"PYTHONPATH": str(ROOT / "builder_image")},
    )
    _environment(root / SPIN_ENVIRONMENT, ROOT / "local" / "spin_cli" / "requirements.txt", say)
    _copy_spin(root / SPIN_ENVIRONMENT / "code")
    cache = root / MYPY_CACHE
    builder = ROOT / "builder_image" / "builder"
    wanted = _digest(builder / "prepare.py", builder / "typecheck" / "type_check.py", text=str(toolchain))
    mark = cache.with_suffix(".made-from")
    if made or not cache.exists() or not mark.exists() or mark.read_text() != wanted:
        say("Preparing mypy's cache for the standard library and spin_sdk")
        shutil.rmtree(cache, ignore_errors=True)
        _run(
            [sys.executable, "-m", "builder.prepare", str(cache)],
            "mypy's cache",
            {"PYTHONPATH": f"{ROOT / 'builder_image'}:{ROOT}", "BLUE_FAAS_TOOLCHAIN": str(toolchain)},
        )
        mark.write_text(wanted)


def _environment(folder: Path, requirements: Path, say: Callable[[str], None]) -> bool:
    """Virtual environment with exactly a requirements file's packages; True when it was made now."""
    python = _python_for_everybody()
    wanted = _digest(requirements, text=str(python))
    mark = folder / "made-from"
    (folder / ".lock").unlink(missing_ok=True)  # uv's own, which it lets everybody write to
    if mark.exists() and mark.read_text() == wanted:
        return False
    say(f"Installing {requirements.relative_to(ROOT)}")
    shutil.rmtree(folder, ignore_errors=True)
    _run([str(_UV), "venv", "--quiet", "--python", str(python), str(folder)], str(folder))
    install = [str(_UV), "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "--link-mode=copy"]
    # Who runs these packages may not write their bytecode, and would compile them anew in every process.
    install.append("--compile-bytecode")
    _run([*install, "--require-hashes", "-r", str(requirements)], requirements.name)
    (folder / ".lock").unlink(missing_ok=True)
    mark.write_text(wanted)
    return True


def _python_for_everybody() -> Path:
    """Find an interpreter of this version that the unprivileged build user may run too."""
    version = f"python3.{sys.version_info.minor}"
    candidates = [sys._base_executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"]  # type: ignore[attr-defined]
    for candidate in candidates:
        path = Path(candidate).resolve()
        if path.exists() and (os.geteuid() != 0 or others_can_enter(path)):
            return Path(candidate)
    raise PrepareError(
        f"Missing: a {version} that users other than root may run (builds run unprivileged); "
        f"try: apt-get install {version} python3-venv"
    )


def _copy_spin(code: Path) -> None:
    """Copy the stand-in's modules and the rules it shares with the product to where the build user can read them."""
    modules = [ROOT / package for package in _SPIN_PACKAGES]
    modules += [path for folder in _SPIN_FOLDERS for path in (ROOT / folder).glob("*.py")]
    for source in modules:
        target = code / source.relative_to(ROOT)
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        py_compile.compile(str(target), doraise=True)  # who runs it may not write it, and would compile it each time


def _digest(*files: Path, text: str = "") -> str:
    digest = hashlib.sha256(text.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _run(command: list[str], what: str, environment: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env={**os.environ, **(environment or {})}
        )
    except OSError as error:
        raise PrepareError(f"Missing: {command[0]} ({error.strerror}); run `make setup`") from None
    if done.returncode != 0:
        tail = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise PrepareError(f"Could not prepare {what}: {tail}")


if __name__ == "__main__":
    try:
        prepare()
    except PrepareError as problem:
        sys.exit(str(problem))
