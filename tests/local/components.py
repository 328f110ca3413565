"""Test functions as WebAssembly components: built once for a source and a toolchain, kept under ``build/``."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from local.places import BUILD, ROOT, TOOLCHAIN, shared_root

KEPT = BUILD / "test-components"
"""The components, and ``compiled``: what wasmtime made of them."""


def component(source: Path, *names: str) -> Path:
    """The component made of ``source`` (an ``app.py``); ``names`` are further arguments of componentize-py."""
    pins = (ROOT / "builder_image" / "toolchain.txt").read_bytes()
    identity = hashlib.sha256(source.read_bytes() + pins + repr(names).encode()).hexdigest()
    kept = KEPT / f"{identity}.wasm"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        _build(source, names, kept)
    return kept


def _build(source: Path, names: tuple[str, ...], kept: Path) -> None:
    # What `make setup` prepares: missing, it is an error here, never a reason to skip.
    toolchain = shared_root() / TOOLCHAIN
    with TemporaryDirectory(dir=KEPT) as folder:
        shutil.copy(source, folder)
        subprocess.run(
            [toolchain / "bin" / "componentize-py", "-w", "spin-http", *names, "componentize", "app", "-o", "app.wasm"],
            cwd=folder,
            env={"VIRTUAL_ENV": str(toolchain), "PATH": f"{toolchain / 'bin'}:{os.environ['PATH']}"},
            check=True,
            capture_output=True,
        )
        Path(folder, "app.wasm").replace(kept)
