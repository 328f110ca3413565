"""The tools a build uses: where they are, what they need in their environment, and their versions for the report."""

import contextlib
import importlib.metadata
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from fast_lane.installation import Installation
from fast_lane.snapshot import is_made_from

from functions.contracts.build_result import Way
from functions.contracts.toolchain import builder_identity

PYTHON_VERSION: Final = "3.12"
"""The Python that components run on: the one that componentize-py 0.17.2 brings along (libpython3.12.so)."""

_PINS: Final = Path(__file__).resolve().parents[1]
"""Where toolchain.txt, spin.json and buildspec.yml are: beside the package, in the repository and in the image."""

_PACKAGES: Final = ("componentize-py", "spin-sdk", "mypy")
_SYSTEM_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


class ToolchainError(Exception):
    """The machine lacks a tool: a fault of the image, not of the upload."""


def identity() -> str:
    """Return what the pins say this builder is; `functions.contracts.toolchain` can say it without the builder."""
    return builder_identity((_PINS / "toolchain.txt").read_text("utf-8"), (_PINS / "spin.json").read_text("utf-8"))


def buildspec() -> bytes:
    """Return the buildspec of the CodeBuild project that this builder was made for."""
    return (_PINS / "buildspec.yml").read_bytes()


@dataclass(frozen=True)
class Toolchain:
    """A virtual environment with mypy, componentize-py and spin-sdk, and the Spin CLI beside it."""

    folder: Path
    fast_lane: bool = True
    """Whether builds find the lane's componentize-py before the real one."""

    @cached_property
    def spin(self) -> str:
        """Absolute path of the Spin CLI."""
        found = shutil.which("spin")
        if found is None:
            raise ToolchainError("no `spin` on PATH")
        return str(Path(found).absolute())

    @property
    def python(self) -> str:
        """Absolute path of the toolchain's interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def uv(self) -> str:
        """Absolute path of the package installer."""
        return str(self.folder / "bin" / "uv")

    @property
    def site_packages(self) -> Path:
        """Where its Python packages are."""
        found = next(iter(sorted(self.folder.glob("lib/python3*/site-packages"))), None)
        if found is None:
            raise ToolchainError(f"{self.folder} is no virtual environment")
        return found

    def environment(self, packages: Path | None = None) -> dict[str, str]:
        """Return the environment of sandboxed tools.

        Parameters
        ----------
        packages
            Where an app's packages and the SDK are, in the layout of a virtual environment; without it, where the SDK
            is. componentize-py finds them by VIRTUAL_ENV.
        """
        first = f"{self._lane.command.parent}:" if self.fast_lane else ""
        return {
            "PATH": f"{first}{self.folder / 'bin'}:{Path(self.spin).parent}:{_SYSTEM_PATH}",
            "VIRTUAL_ENV": str(packages or self.folder),
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
        }

    def way_of(self, component: Path) -> Way:
        """How a component was made that a build command left behind, by its bytes: whoever made it may say anything."""
        with contextlib.suppress(OSError):
            if is_made_from(self._lane.component.read_bytes(), component.read_bytes()):
                return "fast lane"
        return "full build"

    @property
    def _lane(self) -> Installation:
        return Installation(self.folder)

    @cached_property
    def versions(self) -> dict[str, str]:
        """Tool to version. Python packages are read, not run; only the CLI has to be asked."""
        versions = {"spin": self._spin_version()}
        for distribution in importlib.metadata.distributions(path=[str(self.site_packages)]):
            if (name := distribution.metadata["Name"]) in _PACKAGES:
                versions[name] = distribution.version
        if missing := [name for name in _PACKAGES if name not in versions]:
            raise ToolchainError(f"{', '.join(missing)} not installed in {self.folder}")
        return versions

    def _spin_version(self) -> str:
        # "spin 3.6.3 (88d51cf1 2026-04-01)": the number is enough (spin v3.6.3, src/bin/spin.rs:178).
        answer = subprocess.run(
            [self.spin, "--version"],
            env={"PATH": _SYSTEM_PATH},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        words = answer.stdout.split()
        if answer.returncode or len(words) < 2:
            raise ToolchainError(f"`spin --version` failed with status {answer.returncode}")
        return words[1]
