"""The wheel holds all that the command needs, the page too, and nothing else of the service."""

import subprocess
import sys
import zipfile
from pathlib import Path

from infra.tools.page import files

ROOT = Path(__file__).resolve().parents[2]


def test_the_command_runs_from_the_wheel_alone(tmp_path: Path) -> None:
    """Built as `make cli` does, from a copy: setuptools writes beside its sources."""
    for folder in ("cli", "functions/contracts", "functions/models", "functions/ui"):
        subprocess.run(["mkdir", "-p", str(tmp_path / folder)], check=True)
        subprocess.run(["cp", "-r", f"{ROOT / folder}/.", str(tmp_path / folder)], check=True)
    uv = Path(sys.executable).with_name("uv")
    options = ["--quiet", "--offline", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([uv, "build", *options, "--out-dir", str(tmp_path), str(tmp_path / "cli")], check=True)
    (wheel,) = tmp_path.glob("blue_faas-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {str(Path(name).parent) for name in names if name.endswith(".py")} == {
        *("blue_faas_cli", "blue_faas_cli/agents", "blue_faas_cli/commands"),
        *("blue_faas_cli/page", "blue_faas_cli/sign_in", "blue_faas_cli/watching"),
        *("functions/contracts", "functions/models", "functions/ui"),
    }
    page = {str(path.relative_to(ROOT)) for path in files()}
    assert page == {name for name in names if name.startswith("functions/ui/static/")}
    (tmp_path / "app.py").write_text("def (\n")
    done = subprocess.run(
        [sys.executable, "-m", "blue_faas_cli", "check", "app.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "app.py:1: error: invalid syntax" in done.stderr
