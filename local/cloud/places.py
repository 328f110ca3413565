"""Where the one-machine cloud keeps its files.

Nearly everything is inside the repository (``build/`` for what is made once, ``.local/`` for a run), unless it runs as
root in a checkout that other users cannot enter: builds run as an unprivileged user there, and what that user needs
(toolchain, ``spin``) then goes below /var/lib/blue-faas. Builds work in /var/tmp: as on CodeBuild, a tool that walks up
from an app (git, npm, uv, pytest, mypy) finds nothing of the product.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / "build"
_WORK: Final = Path("/var/tmp")  # noqa: S108 - on a disk, unlike some machines' /tmp; the folder is made by mkdtemp
VENV_PYTHON: Final = ROOT / ".venv" / "bin" / "python"


def others_can_enter(path: Path) -> bool:
    """Whether a user without rights of its own reaches ``path``: every folder above it lets others pass."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def shared_root() -> Path:
    """Folder for what the unprivileged build user must be able to read."""
    if os.geteuid() != 0 or others_can_enter(ROOT):
        return BUILD / "shared"
    return Path("/var/lib/blue-faas") / hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]


def state_root() -> Path:
    """Folder below which runs keep their state; one folder a run."""
    if os.geteuid() != 0 or others_can_enter(ROOT):
        return ROOT / ".local"
    return shared_root() / "runs"


def make_work_root(state: Path) -> Path:
    """Make the folder that the builds of the cloud with this state work in; what a killed one left is removed.

    Its builds pass through it to the folder that is theirs, and cannot list the others.
    """
    prefix = f"blue-faas-{hashlib.sha256(str(state).encode()).hexdigest()[:12]}-"
    for left in _WORK.glob(f"{prefix}*"):
        if left.lstat().st_uid == os.geteuid():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_WORK))
    folder.chmod(0o711)
    return folder


TOOLCHAIN: Final = "toolchain"
SPIN_ENVIRONMENT: Final = "spin"
MYPY_CACHE: Final = "mypy-cache"
