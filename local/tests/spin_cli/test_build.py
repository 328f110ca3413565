"""``spin build``, run as an executable."""

import os
from pathlib import Path

import pytest

from local.tests.spin_cli.helpers import HELLO, Spin, write_app

TWO = """\
spin_manifest_version = 2
[application]
name = "two"
[[trigger.http]]
route = "/..."
component = "uses"
[component.uses]
source = "uses.wasm"
dependencies = { "a:b/c" = { path = "lib.wasm" } }
build = { command = "echo uses" }
[component.lib]
source = "lib.wasm"
build = { command = ["echo first", "echo second"], workdir = "sub" }
[component.plain]
source = "plain.wasm"
"""


def with_build(build: str, manifest: str = HELLO) -> str:
    return f"{manifest}[component.hello.build]\n{build}\n"


def test_runs_the_command_in_the_manifests_folder(spin: Spin, tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", with_build('command = "pwd && env | sort"'))
    result = Spin(spin.bin_dir, spin.home, {"MARK": "kept"})("build", "-f", "app", cwd=tmp_path)
    first, folder, *environment, last = result.out.splitlines()
    assert result.status == 0
    assert first == "Building component hello with `pwd && env | sort`"
    assert folder == str(app)
    assert last == "Finished building all Spin components"
    names = {line.partition("=")[0] for line in environment} - {"_", "SHLVL", "PWD", "OLDPWD"}
    assert names == {"HOME", "MARK", "PATH"}, "the environment is passed on unchanged"
    assert result.err == ""


def test_order_steps_and_working_directory(spin: Spin, tmp_path: Path) -> None:
    write_app(tmp_path, TWO, files={"sub/x": ""})
    assert spin("build", cwd=tmp_path).out.splitlines() == [
        "Building component lib (2 commands)",
        "Running build step 1/2 for component lib with 'echo first'",
        'Working directory: "./sub"',
        "first",
        "Running build step 2/2 for component lib with 'echo second'",
        'Working directory: "./sub"',
        "second",
        "Building component uses with `echo uses`",
        "uses",
        "Finished building all Spin components",
    ]


def test_builds_named_components_only(spin: Spin, tmp_path: Path) -> None:
    write_app(tmp_path, TWO)
    assert "lib" not in spin("b", "-c", "uses", cwd=tmp_path).out
    result = spin("build", "--component-id", "x", "-c", "uses", "-c", "y", cwd=tmp_path)
    assert (result.status, result.out, result.err) == (1, "", "Error: Unknown component(s) x, y\n")


@pytest.mark.parametrize(
    ("command", "ended"), [("exit 3", "Exited(3)"), ("kill -9 $$", "Signaled(9)"), ("nonsense-tool", "Exited(127)")]
)
def test_a_failing_command_stops_the_build_with_status_1(spin: Spin, tmp_path: Path, command: str, ended: str) -> None:
    write_app(tmp_path, with_build(f'command = ["{command}", "echo never"]'))
    result = spin("build", cwd=tmp_path)
    assert result.status == 1
    assert "\nnever\n" not in result.out
    assert result.err.endswith(f"Error: Build command for component hello failed with status {ended}\n")


def test_nothing_to_build(spin: Spin, tmp_path: Path) -> None:
    result = spin("build", cwd=write_app(tmp_path))
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("None of the components have a build command.\nFor information")


@pytest.mark.parametrize(
    ("workdir", "said"),
    [
        ("/tmp", "Error: The workdir specified in the application file must be relative.\n"),
        (
            "nope",
            "Error: Cannot spawn build process 'Single(\"true\")' for component hello: "
            "No such file or directory (os error 2)\n",
        ),
    ],
)
def test_bad_working_directories(spin: Spin, tmp_path: Path, workdir: str, said: str) -> None:
    write_app(tmp_path, with_build(f'command = "true"\nworkdir = "{workdir}"'))
    result = spin("build", cwd=tmp_path)
    assert (result.status, result.err) == (1, said)


def test_a_manifest_that_is_wrong_elsewhere_still_builds_with_a_warning(spin: Spin, tmp_path: Path) -> None:
    write_app(tmp_path, with_build('command = "echo built"', HELLO.replace('name = "hello"', "name = 1")))
    result = spin("build", cwd=tmp_path)
    assert result.status == 0
    assert "built\nFinished building all Spin components\n" in result.out
    assert result.err.startswith(
        "Warning: The manifest has errors not related to the Wasm component build. Error details:\n"
        "TOML parse error at line 4, column 1\n"
    )


@pytest.mark.parametrize("manifest", ["not toml", HELLO.replace("component.hello", "component.hello.build")])
def test_a_manifest_without_build_settings_is_an_error(spin: Spin, tmp_path: Path, manifest: str) -> None:
    result = spin("build", cwd=write_app(tmp_path, manifest))
    assert result.status == 1
    assert result.err.startswith(
        'Error: Cannot read manifest file from "spin.toml"\n\nCaused by:\n      TOML parse error'
    )


def test_targets_cannot_be_checked_here(spin: Spin, tmp_path: Path) -> None:
    manifest = HELLO.replace('name = "hello"', 'name = "hello"\ntargets = ["spin-up:3"]')
    write_app(tmp_path, with_build('command = "true"', manifest))
    assert spin("build", "--skip-target-checks", cwd=tmp_path).status == 0
    result = spin("build", cwd=tmp_path)
    assert result.status == 1
    assert "Error: unable to check if the application is compatible with deployment targets" in result.err
    assert "Finished building" in result.out


def test_looks_upwards_for_the_manifest_and_says_so(spin: Spin, tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", with_build('command = "pwd"'), files={"sub/x": ""})
    result = spin("build", cwd=app / "sub")
    assert str(app) in result.out.splitlines()
    assert result.err == (
        "No 'spin.toml' in current directory. Using 'spin.toml' from parent directory (../spin.toml)\n"
    )


def test_looks_no_higher_than_a_git_repository(spin: Spin, tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", HELLO, files={"repo/.git/x": "", "repo/sub/x": ""})
    result = spin("build", cwd=app / "repo" / "sub")
    assert (result.status, result.err) == (1, 'Error: "spin.toml" not found\n')


@pytest.mark.parametrize(("levels", "status"), [(19, 0), (20, 1)])
def test_looks_up_19_levels(spin: Spin, tmp_path: Path, levels: int, status: int) -> None:
    deep = write_app(tmp_path / "app").joinpath(*["d"] * levels)
    deep.mkdir(parents=True)
    assert spin("build", cwd=deep).status == status


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("empty", "Directory empty does not contain a file named 'spin.toml'"),
        ("nope", "No such file or directory 'nope'"),
        (os.devnull, f"Path {os.devnull} is neither a file nor a directory"),
    ],
)
def test_bad_manifest_paths(spin: Spin, tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    result = spin("build", "--from", source, cwd=tmp_path)
    assert (result.status, result.err) == (1, f"Error: {said}\n")
