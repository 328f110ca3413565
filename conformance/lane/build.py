"""Build a case one way or the other."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fast_lane.installation import Installation

from conformance.lane.case import Case
from local.cloud.places import BUILD, ROOT, TOOLCHAIN, VENV_PYTHON, shared_root

KEPT: Final = BUILD / "conformance-lane"
_OWN_LINE: Final = re.compile(r"^componentize-py: .*\n", re.MULTILINE)
_STARTED_BY: Final = re.compile(r"\A(Traceback .*\n(?:  .*\n)+)(?=AssertionError: )")
"""The traceback of componentize-py's own start."""
_BACKTRACE: Final = "\n\nStack backtrace:"


@dataclass(frozen=True, slots=True)
class Built:
    """How a build ended."""

    status: int
    output: str
    """Without the lane's own lines, and without componentize-py's traces of itself."""
    component: Path | None
    said: str
    """The lane's own lines."""


def installation() -> Installation:
    """Return the toolchain that `make setup` prepares."""
    return Installation(shared_root() / TOOLCHAIN)


def by_lane(case: Case, target: Path) -> Built:
    """Build it as builds do."""
    return _run(installation().command, case, target)


def by_componentize_py(case: Case) -> Built:
    """Build it with the real one; kept, since it takes most of the time."""
    pins = (ROOT / "builder_image" / "toolchain.txt").read_text("utf-8")
    content = repr((sorted(case.files.items()), case.arguments, case.packages, pins))
    kept = KEPT / hashlib.sha256(content.encode()).hexdigest()
    output, component = kept.with_suffix(".txt"), kept.with_suffix(".wasm")
    if not output.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        built = _run(installation().real, case, component)
        output.write_text(f"{built.status}\n{built.output}", "utf-8", "surrogateescape")
        return built
    status, _, text = output.read_text("utf-8", "surrogateescape").partition("\n")
    return Built(int(status), text, component if component.exists() else None, "")


def environment_with(packages: Sequence[str]) -> Path:
    """Make a virtual environment of nothing but the SDK and these packages, laid out as the builder does."""
    toolchain = installation()
    if not packages:
        return toolchain.toolchain
    folder = KEPT / f"packages-{hashlib.sha256(repr(packages).encode()).hexdigest()[:12]}"
    target = folder / "lib" / "python3.12" / "site-packages"
    if not folder.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as name:
            uv = VENV_PYTHON.with_name("uv")
            command: list[str | Path] = [
                uv,
                "pip",
                "install",
                "--quiet",
                "--target",
                name,
                "--python-version",
                "3.12",
                "--only-binary",
            ]
            subprocess.run([*command, ":all:", *packages], check=True)
            shutil.copytree(name, target)
        shutil.copytree(toolchain.site_packages / "spin_sdk", target / "spin_sdk", dirs_exist_ok=True)
    return folder


def remove_bytecode(environment: Path) -> None:
    """Remove what componentize-py leaves in the packages' folders: a build of the product finds the SDK's alone."""
    for folder in list((environment / "lib" / "python3.12").rglob("__pycache__")):
        if "spin_sdk" not in folder.parts:
            shutil.rmtree(folder)


def _run(command: Path, case: Case, target: Path) -> Built:
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "app")
        for name, content in case.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        virtual = environment_with(case.packages)
        remove_bytecode(virtual)
        environment = {
            "PATH": os.environ["PATH"],
            "VIRTUAL_ENV": str(virtual),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        }
        done = subprocess.run([command, *case.arguments], cwd=folder, env=environment, capture_output=True, check=False)
        made = folder / "app.wasm"
        if made.exists():
            shutil.copyfile(made, target)
            component: Path | None = target
        else:
            component = None
    errors = done.stderr.decode("utf-8", "replace")
    said = "".join(_OWN_LINE.findall(errors))
    text = _STARTED_BY.sub("", _OWN_LINE.sub("", errors)).partition(_BACKTRACE)[0].rstrip()
    return Built(done.returncode, f"{done.stdout.decode('utf-8', 'replace')}{text}", component, said)
