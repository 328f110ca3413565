"""The address of the build role's credentials: CodeBuild leaves it where build code would find it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builder.sandbox.role_address import ExposedError, close

from tests.security.builder.conftest import Box
from tests.unit.builder.harness import FIRST_UID, ROOT, open_folder

URI = "/v2/credentials/6f8c2d0e-3b1c-4c52-9a5e-7d2f1b0c9e11"
ENVIRONMENT = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": URI}


@pytest.fixture
def root() -> Iterator[Path]:
    """A file system with CodeBuild's folder in it, as open as it can be."""
    with open_folder() as folder:
        folder.chmod(0o755)
        temporary = folder / "codebuild" / "output" / "tmp"
        temporary.mkdir(parents=True)
        (temporary / "env.sh").write_text(f"export AWS_CONTAINER_CREDENTIALS_RELATIVE_URI='{URI}'\n")
        (temporary / "env.sh").chmod(0o644)
        yield folder


def _close(root: Path, environment: dict[str, str] = ENVIRONMENT) -> None:
    close(environment, str(FIRST_UID), root / "locks", root / "codebuild", root)


def test_a_step_reads_nothing_of_codebuilds_folder(root: Path, box: Box) -> None:
    look = f"cat {root}/codebuild/output/tmp/env.sh; ls {root}/codebuild; exit 0"
    assert URI in box.sh(look).output.tail
    _close(root)
    assert box.sh(look).output.tail.count("Permission denied") == 2


def test_codebuild_can_go_on_using_it(root: Path) -> None:
    _close(root)
    assert URI in (root / "codebuild" / "output" / "tmp" / "env.sh").read_text()


def test_without_credentials_in_the_environment_the_folder_is_closed_all_the_same(root: Path) -> None:
    _close(root, {})
    assert (root / "codebuild").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("variable", ["RELATIVE_URI", "FULL_URI"])
def test_a_copy_elsewhere_keeps_the_build_from_starting(root: Path, variable: str) -> None:
    (root / "etc").mkdir()
    os.link(root / "codebuild" / "output" / "tmp" / "env.sh", root / "etc" / "environment")
    with pytest.raises(ExposedError, match=r"every user can read the address .* in .*/etc/environment$"):
        _close(root, {f"AWS_CONTAINER_CREDENTIALS_{variable}": URI})


def test_a_copy_that_only_root_can_read_does_not(root: Path) -> None:
    (root / "root.env").write_text(URI)
    (root / "root.env").chmod(0o600)
    _close(root)


def test_a_process_that_shows_it_keeps_the_build_from_starting(root: Path) -> None:
    process = subprocess.Popen(["/bin/sh", "-c", "sleep 60; exit", URI])
    try:
        while URI.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
            time.sleep(0.01)
        with pytest.raises(ExposedError, match=f"/proc/{process.pid}/cmdline"):
            _close(root)
    finally:
        process.kill()
        process.wait()


def test_a_folder_that_is_somebody_elses_keeps_the_build_from_starting(root: Path) -> None:
    os.chown(root / "codebuild", FIRST_UID, FIRST_UID)
    with pytest.raises(ExposedError, match="stays open to other users"):
        _close(root)


_WITHOUT_ROOT = """\
import os, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from builder.sandbox.role_address import ExposedError, close
os.setresuid(65534, 65534, 65534)
root = Path(sys.argv[3])
try:
    close({}, "200000", root / "locks", root / "codebuild", root)
except ExposedError as error:
    print(error)
"""


def test_a_builder_without_root_does_not_start(root: Path) -> None:
    command = [sys.executable, "-I", "-c", _WITHOUT_ROOT, str(ROOT), str(ROOT / "builder_image"), str(root)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "the builder must run as root to keep the build role's credentials from a build\n"
