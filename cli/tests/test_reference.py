"""The page of the commands, and how fast the commands are there."""

import subprocess
import sys
import tomllib
from pathlib import Path

from blue_faas_cli import VERSION

from cli.reference import PAGE, page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_current() -> None:
    """`make cli` writes it."""
    assert PAGE.read_text("utf-8") == page()


def test_the_version_is_one() -> None:
    for file in ("pyproject.toml", "cli/pyproject.toml"):
        assert tomllib.loads((ROOT / file).read_text("utf-8"))["project"]["version"] == VERSION


def test_help_waits_for_nothing_heavy() -> None:
    script = (
        "import sys; from blue_faas_cli.main import app; app(['--help'], standalone_mode=False); "
        "heavy = {'httpx', 'pydantic', 'botocore', 'boto3', 'rich', 'starlette', 'uvicorn', 'functions'}; "
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'cli' / 'src'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "deploy" in done.stdout
    assert done.stdout.splitlines()[-1] == "set()"
