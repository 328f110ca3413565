"""Where the one-machine cloud keeps its files.

Everything is inside the repository (``build/`` for what is made once, ``.local/`` for a run), unless it runs as root in
a checkout that other users cannot enter: builds run as an unprivileged user there, and what that user needs (toolchain,
``spin``, work folders) then goes below /var/lib/blue-faas.
"""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build"
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


TOOLCHAIN: Final = "toolchain"
SPIN_ENVIRONMENT: Final = "spin"
MYPY_CACHE: Final = "mypy-cache"
