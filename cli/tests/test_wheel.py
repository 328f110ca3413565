"""The wheel holds all that the command needs, the page too, and beside it the one-machine cloud alone."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cli.wheel import build
from infra.tools.page import files

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make cli` builds it, but for the cloud, whose templates take a minute."""
    return build(tmp_path_factory.mktemp("wheel"), with_cloud=False)


def test_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {str(Path(name).parent) for name in names if name.endswith(".py")} == {
        *("blue_faas_cli", "blue_faas_cli/agents", "blue_faas_cli/commands", "blue_faas_cli/one_machine"),
        *("blue_faas_cli/page", "blue_faas_cli/sign_in", "blue_faas_cli/watching"),
        *("functions/contracts", "functions/models", "functions/ui"),
    }
    page = {str(path.relative_to(ROOT)) for path in files()}
    assert page == {name for name in names if name.startswith("functions/ui/static/")}


def test_nothing_in_it_tells_when_and_by_whom_it_was_built(wheel: Path) -> None:
    """The same sources make the same wheel."""
    with zipfile.ZipFile(wheel) as archive:
        found = {(entry.date_time, oct(entry.external_attr >> 16 & 0o777)) for entry in archive.infolist()}
    assert {time for time, _ in found} == {(1980, 1, 1, 0, 0, 0)}
    assert {mode for _, mode in found} <= {"0o644", "0o664"}  # the latter: what setuptools writes itself


def test_the_command_runs_from_it_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "packages")
    (tmp_path / "app.py").write_text("def (\n")
    done = subprocess.run(
        [sys.executable, "-m", "blue_faas_cli", "check", "app.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "packages")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "app.py:1: error: invalid syntax" in done.stderr
