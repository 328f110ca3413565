"""``python -m cli.wheel``: the wheel of `blue`, with the one-machine cloud in it, into dist/.

It is built from a copy: setuptools writes beside its sources, and `blue` in a checkout takes the checkout's cloud.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from infra.tools import page
from local.cloud.pack import pack

ROOT: Final = Path(__file__).resolve().parents[1]
_COPIED: Final = ("cli/pyproject.toml", "cli/src", "functions/contracts", "functions/models", "functions/ui")
_CLOUD: Final = "cli/src/blue_faas_cli/one_machine/cloud.zip"
_EPOCH: Final = 315532800
"""Time of every file in the wheel, the oldest that it can hold: the same content makes the same wheel."""


def build(target: Path, *, with_cloud: bool = True) -> Path:
    """Build the wheel into a folder; returns its path."""
    page.vendor()
    with tempfile.TemporaryDirectory() as scratch:
        for name in _COPIED:
            _copy(ROOT / name, Path(scratch) / name)
        if with_cloud:
            pack(Path(scratch) / _CLOUD)
        _make_alike(Path(scratch))
        options = ["--quiet", "--offline", "--wheel", "--no-build-isolation", "--python", sys.executable]
        command = [str(Path(sys.executable).with_name("uv")), "build", *options, "--out-dir", str(target)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(_EPOCH)}
        subprocess.run([*command, f"{scratch}/cli"], check=True, env=environment)
    (wheel,) = target.glob("blue_faas-*.whl")
    return wheel


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, target)
    else:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))


def _make_alike(folder: Path) -> None:
    """Give files the modes that they have for everybody, whatever the umask."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def main() -> None:
    """Build it in the place of those that were built before."""
    dist = ROOT / "dist"
    for earlier in dist.glob("blue_faas-*.whl"):
        earlier.unlink()
    sys.stdout.write(f"{build(dist).relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
