"""Where a build keeps its files, and what becomes of those whose builder was killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builder.sandbox.work_folder import work_folder

from tests.unit.builder.harness import ROOT

_HOLD = """\
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from builder.sandbox.work_folder import work_folder
with work_folder(Path(sys.argv[3])) as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def _other_build(parent: Path) -> tuple["subprocess.Popen[str]", Path]:
    """A builder with a folder of its own, as another process."""
    command = [sys.executable, "-I", "-c", _HOLD, str(ROOT), str(ROOT / "builder_image"), str(parent)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_closed_to_others_and_gone_afterwards(tmp_path: Path) -> None:
    with work_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o711
        (folder / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_a_build_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), work_folder(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_builder_left_is_removed_by_the_next(tmp_path: Path) -> None:
    process, folder = _other_build(tmp_path)
    process.kill()
    process.communicate()
    assert (folder / "deep" / "file").exists()
    with work_folder(tmp_path) as own:
        assert list(tmp_path.iterdir()) == [own]


def test_what_another_build_works_in_stays(tmp_path: Path) -> None:
    process, folder = _other_build(tmp_path)
    with work_folder(tmp_path):
        assert (folder / "deep" / "file").exists()
    process.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_builds_or_somebody_elses_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "blue-faas-build-link").symlink_to(tmp_path / "mine")
    kept = ["mine", "blue-faas-build-link"]
    if os.geteuid() == 0:
        (tmp_path / "blue-faas-build-theirs").mkdir()
        os.chown(tmp_path / "blue-faas-build-theirs", 65534, 65534)
        kept.append("blue-faas-build-theirs")
    with work_folder(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
