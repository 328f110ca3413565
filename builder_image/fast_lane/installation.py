"""Where the lane is and what it was made for: the folder ``fast-lane`` of a toolchain.

========== ============================================================================
``bin``    ``componentize-py``, first on the PATH of builds
``code``   this package
``base``   what `base` makes: ``base.json``, ``component.wasm``, ``code/*.cwasm``, ``library``
========== ============================================================================

All of it belongs to who set up the machine. Builds may only read it: a ``.cwasm`` is native code that is trusted.
"""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "fast-lane"
APP: Final = "blue_faas_base"
"""The app that the base is made of (`guest`)."""
_DESCRIPTION: Final = "base.json"
_PINNED: Final = ("componentize_py", "spin_sdk", "wasmtime")

SUPPORTED: Final = {"componentize_py": "0.17.2", "spin_sdk": "3.4.1", "wasmtime": "50.0.1"}
"""What the lane was written for and compared with. Another version has to be looked at first: see docs/building.md."""


class NotMadeError(Exception):
    """There is no base that fits this toolchain; one line that says why."""


@dataclass(frozen=True, slots=True)
class Base:
    """What is known of a base beside its bytes."""

    key: str
    """What it was made from: `key`."""
    modules: tuple[tuple[int, str], ...]
    """Instance and file of each core module, in the order of instantiation."""
    memory: int
    """Instance that owns the memory."""
    functions: dict[str, int]
    """Instance of each function that the lane calls."""
    globals: tuple[tuple[int, str, int], ...]
    """Instance, export and value of each mutable global."""
    loaded: tuple[str, ...]
    """Top-level modules that the base has loaded."""
    site_packages: str
    """Where it found spin_sdk."""
    sdk: str
    """`tree_digest` of that spin_sdk."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The lane of one toolchain; ``toolchain`` is its virtual environment."""

    toolchain: Path

    @property
    def folder(self) -> Path:
        """The lane's own folder."""
        return self.toolchain / FOLDER

    @property
    def base(self) -> Path:
        """What `base` makes."""
        return self.folder / "base"

    @property
    def command(self) -> Path:
        """The ``componentize-py`` that is the lane."""
        return self.folder / "bin" / "componentize-py"

    @property
    def component(self) -> Path:
        """The base component without its memory: what apps are written from."""
        return self.base / "component.wasm"

    @property
    def library(self) -> Path:
        """CPython's library and the generated bindings: ``python``, ``bundled``, ``wit``."""
        return self.base / "library"

    @property
    def real(self) -> Path:
        """The componentize-py that is not the lane."""
        return self.toolchain / "bin" / "componentize-py"

    @property
    def site_packages(self) -> Path:
        """Where the toolchain's Python packages are.

        Raises
        ------
        NotMadeError
            The toolchain is no virtual environment.
        """
        found = sorted(self.toolchain.glob("lib/python3*/site-packages"))
        if len(found) != 1:
            raise NotMadeError(f"{self.toolchain} is no virtual environment")
        return found[0]

    def compiled(self, name: str) -> Path:
        """Return the path of a compiled core module."""
        return self.base / "code" / name

    def key(self) -> str:
        """Digest what a base depends on: versions, processor, and the lane's own code.

        Raises
        ------
        NotMadeError
            A package is not there in the version that the lane was written for.
        """
        packages = self.site_packages
        for name, version in SUPPORTED.items():
            if not (packages / f"{name}-{version}.dist-info").is_dir():
                raise NotMadeError(f"the fast lane is made for {name.replace('_', '-')} {version}")
        digest = hashlib.sha256(f"{platform.machine()} {sorted(SUPPORTED.items())}".encode())
        digest.update(tree_digest(Path(__file__).parent).encode())
        return digest.hexdigest()

    def load(self) -> Base:
        """Load the base.

        Raises
        ------
        NotMadeError
            There is none, or it was made from something else.
        """
        try:
            content = json.loads((self.base / _DESCRIPTION).read_text("utf-8"))
        except FileNotFoundError:
            raise NotMadeError("no base was made for this toolchain") from None
        base = _read(content)
        if base.key != self.key():
            raise NotMadeError("the base was made for another toolchain")
        return base

    def save(self, base: Base) -> None:
        """Write the description: last, it says that the rest is complete."""
        (self.base / _DESCRIPTION).write_text(json.dumps(asdict(base)), "utf-8")


def tree_digest(folder: Path) -> str:
    """SHA-256 over names and contents of a folder's source files; bytecode does not count."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _read(content: dict[str, Any]) -> Base:
    lists = {name: tuple(map(tuple, content[name])) for name in ("modules", "globals")}
    return Base(**{**content, **lists, "loaded": tuple(content["loaded"])})
