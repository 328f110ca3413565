"""The repository's ``build/``: what is made from pins and code, once, and used again while they are the same."""

import os
import shutil
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / "build"

_KEPT: Final = 8
"""Number of folders of one name that are kept under build/."""


def scratch_for(target: Path) -> Path:
    """Return an unused path beside ``target``: several processes may build the same target at once."""
    scratch = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    return scratch


def put_in_place(scratch: Path, target: Path) -> None:
    """Rename ``scratch`` to ``target``, unless another process has built the same target before.

    Older targets of the same name are removed, except for the newest few: going back to them is common.
    """
    try:
        scratch.rename(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(scratch)
    name = target.name.rpartition("-")[0]
    made = (path for path in target.parent.iterdir() if path.name.rpartition("-")[0] == name and path.suffix != ".tmp")
    for path in sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
