"""Arguments, usage errors, and the isolation of the executable."""

import sys
from pathlib import Path

import pytest

from local.spin_cli import install_wrapper
from local.tests.spin_cli.helpers import REPO_ROOT, Spin, write_app


def test_version(spin: Spin, tmp_path: Path) -> None:
    result = spin("--version", cwd=tmp_path)
    assert (result.status, result.out) == (0, "spin 3.6.3 (88d51cf stand-in)\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["registry", "push"],
        ["registry", "login", "--username", "x", "--password-stdin"],
        ["registry", "login", "--username", "x", "--password", "in argv", "registry"],
        ["build", "--up"],
        ["registry", "push", "a", "--ins"],
    ],
)
def test_wrong_usage_ends_with_status_2(spin: Spin, tmp_path: Path, arguments: list[str]) -> None:
    result = spin(*arguments, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert "error: " in result.err


@pytest.mark.parametrize("command", [["build"], ["registry", "push", "a"]])
def test_a_missing_manifest_is_named(spin: Spin, tmp_path: Path, command: list[str]) -> None:
    result = spin(*command, cwd=tmp_path)
    assert (result.status, result.err) == (1, "Error: No such file 'spin.toml'\n")


def test_nothing_in_the_working_directory_or_pythonpath_gets_in_the_way(spin: Spin, tmp_path: Path) -> None:
    app = write_app(tmp_path / "app")
    for name in (
        "local/__init__.py",
        "local/spin_cli/__init__.py",
        "httpx.py",
        "argparse.py",
        "tomllib.py",
        "sitecustomize.py",
    ):
        path = app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise SystemExit('hijacked')\n")
    hostile = Spin(spin.bin_dir, spin.home, {"PYTHONPATH": str(app), "PYTHONSTARTUP": str(app / "httpx.py")})
    assert hostile("build", cwd=app).status == 0
    result = hostile("registry", "push", "127.0.0.1:9/a:b", cwd=app)
    assert "hijacked" not in result.err
    assert "cannot reach the registry" in result.err


def test_the_wrapper_takes_paths_with_spaces_and_quotes(tmp_path: Path) -> None:
    mirrors = tmp_path / "it's a file.json"
    mirrors.write_text("{}")
    script = install_wrapper(tmp_path / "my bin", sys.executable, REPO_ROOT, mirrors)
    assert script == tmp_path / "my bin" / "spin"
    result = Spin(script.parent, tmp_path)("registry", "push", "a.io/a:v1", cwd=write_app(tmp_path / "app", "x"))
    assert result.err.startswith('Error: Failed to read Spin app manifest from "spin.toml"\n\nCaused by:\n      TOML')


def test_a_broken_mirrors_file_is_named(tmp_path: Path) -> None:
    install_wrapper(tmp_path, sys.executable, REPO_ROOT, tmp_path / "nope.json")
    result = Spin(tmp_path, tmp_path)("registry", "push", "a.io/a:v1", cwd=write_app(tmp_path / "app"))
    assert result.status == 1
    assert "nope.json" in result.err
