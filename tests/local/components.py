"""The test function as a WebAssembly component: built once for its source and the toolchain, kept under ``build/``."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from local.places import BUILD, ROOT, TOOLCHAIN, shared_root

KEPT = BUILD / "test-components"
COMPILED = KEPT / "compiled"
"""What wasmtime made of them."""


_SOURCE = Path(__file__).parent / "component" / "app.py"
# Without the name, spin-sdk 3.4.1 cannot find its sqlite module in what componentize-py 0.17.2 generates.
_NAMES = ("--import-interface-name", "fermyon:spin/sqlite@2.0.0=sqlite")


def component() -> Path:
    """The function of ``component/app.py`` as a component."""
    pins = (ROOT / "builder_image" / "toolchain.txt").read_bytes()
    identity = hashlib.sha256(_SOURCE.read_bytes() + pins + repr(_NAMES).encode()).hexdigest()
    kept = KEPT / f"{identity}.wasm"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes want it at once
        if not kept.exists():
            _build(kept)
    return kept


def _build(kept: Path) -> None:
    # What `make setup` prepares: missing, it is an error here, never a reason to skip.
    toolchain = shared_root() / TOOLCHAIN
    with TemporaryDirectory(dir=KEPT) as folder:
        shutil.copy(_SOURCE, folder)
        subprocess.run(
            [
                toolchain / "bin" / "componentize-py",
                "-w",
                "spin-http",
                *_NAMES,
                "componentize",
                "app",
                "-o",
                "app.wasm",
            ],
            cwd=folder,
            env={"VIRTUAL_ENV": str(toolchain), "PATH": f"{toolchain / 'bin'}:{os.environ['PATH']}"},
            check=True,
            capture_output=True,
        )
        Path(folder, "app.wasm").replace(kept)
