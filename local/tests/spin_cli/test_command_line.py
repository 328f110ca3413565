"""Arguments, usage errors, and the isolation of the executable."""

import sys
from pathlib import Path

import pytest

from local.spin_cli import install_wrapper
from local.tests.spin_cli.helpers import REPO_ROOT, Spin, write_app


def test_version(spin: Spin, tmp_path: Path) -> None:
    for flag in ("--version", "-V"):
        result = spin(flag, cwd=tmp_path)
        assert (result.status, result.out) == (0, "spin 3.6.3 (88d51cf stand-in)\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "The following required arguments were not provided:\n    <SUBCOMMAND>"),
        (["registry", "push"], "The following required arguments were not provided:\n    <REFERENCE>"),
        (["registry", "login"], "The following required arguments were not provided:\n    <SERVER>"),
        (["build", "extra"], "Found argument 'extra' which wasn't expected, or isn't valid in this context"),
        (["build", "--bogus"], "Found argument '--bogus' which wasn't expected"),
        (["registry", "push", "a", "--ins"], "Found argument '--ins' which wasn't expected"),
        (["build", "-f"], "The argument '--file' requires a value but none was supplied"),
        (["registry", "login", "-p", "x", "--password-stdin", "s"], "cannot be used with"),
        (["registry", "push", "--annotation", "x", "a"], "Key/Value must be of the form `key=value`"),
    ],
)
def test_wrong_usage_ends_with_status_2(spin: Spin, tmp_path: Path, arguments: list[str], said: str) -> None:
    result = spin(*arguments, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert said in result.err
    assert "USAGE:\n    spin" in result.err
    assert result.err.endswith("For more information try --help\n")


def test_spin_up_is_refused_plainly(spin: Spin, tmp_path: Path) -> None:
    result = spin("build", "--up", "--listen", "x", cwd=write_app(tmp_path))
    assert result.status == 1
    assert "not part of this stand-in" in result.err


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
    assert hostile("-V", cwd=app).status == 0
    result = hostile("registry", "push", "127.0.0.1:9/a:b", cwd=app)
    assert "hijacked" not in result.err
    assert "cannot reach the registry" in result.err


def test_the_wrapper_takes_paths_with_spaces_and_quotes(tmp_path: Path) -> None:
    mirrors = tmp_path / "it's a file.json"
    mirrors.write_text("{}")
    script = install_wrapper(tmp_path / "my bin", sys.executable, REPO_ROOT, mirrors)
    assert script == tmp_path / "my bin" / "spin"
    result = Spin(script.parent, tmp_path)("registry", "push", "a", cwd=write_app(tmp_path / "app", "x"))
    assert result.err.startswith('Error: Failed to read Spin app manifest from "spin.toml"\n\nCaused by:\n      TOML')


def test_a_broken_mirrors_file_is_named(tmp_path: Path) -> None:
    install_wrapper(tmp_path, sys.executable, REPO_ROOT, tmp_path / "nope.json")
    result = Spin(tmp_path, tmp_path)("registry", "push", "a", cwd=write_app(tmp_path / "app"))
    assert result.status == 1
    assert "nope.json" in result.err
