"""The lane of the prepared toolchain, and one whose real componentize-py only says that it was called."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fast_lane.installation import FOLDER, Installation

from local.cloud.places import TOOLCHAIN, shared_root

HANDED_OVER = 42
"""Status of the componentize-py that is not the lane, in these tests."""
MEMORY_DISK = "/dev/shm"
STANDARD = ("-w", "spin-http", "componentize", "app", "-o", "app.wasm")


@dataclass(frozen=True, slots=True)
class Build:
    """How a build ended."""

    status: int
    output: str
    folder: Path

    @property
    def component(self) -> bytes:
        """What it made."""
        return (self.folder / "app.wasm").read_bytes()


Lane = Callable[..., Build]
"""``lane(*arguments, files=…, **environment)`` in a new folder."""


def toolchain() -> Path:
    """The toolchain that `make setup` prepares."""
    return shared_root() / TOOLCHAIN


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toolchain like the prepared one, but for componentize-py itself: it repeats its arguments."""
    folder = tmp_path_factory.mktemp("toolchain")
    real = toolchain()
    for name in ("lib", FOLDER):
        (folder / name).symlink_to(real / name)
    (folder / "bin").mkdir()
    (folder / "bin" / "componentize-py").write_text(f'#!/bin/sh\necho "handed over: $*"\nexit {HANDED_OVER}\n')
    (folder / "bin" / "componentize-py").chmod(0o755)
    command = Installation(real).command.read_text().replace(f"Path('{real}')", f"Path('{folder}')")
    (folder / "lane").write_text(command)
    (folder / "lane").chmod(0o755)
    return folder


@pytest.fixture
def lane(stand_in: Path) -> Iterator[Lane]:
    """Run the lane."""
    with TemporaryDirectory(dir=MEMORY_DISK) as parent:
        number = 0

        def run(*arguments: str, files: dict[str, str], **environment: str) -> Build:
            nonlocal number
            number += 1
            folder = Path(parent, f"{number}")
            for name, content in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(content)
            done = subprocess.run(
                [stand_in / "lane", *(arguments or STANDARD)],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(toolchain()), "LANG": "C.UTF-8", **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            return Build(done.returncode, done.stdout, folder)

        yield run
