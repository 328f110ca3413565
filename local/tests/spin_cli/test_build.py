"""``spin build``, run as an executable."""

from pathlib import Path

import pytest

from local.tests.spin_cli.helpers import HELLO, Spin, write_app

TWO = """\
spin_manifest_version = 2
[application]
name = "two"
[[trigger.http]]
route = "/..."
component = "one"
[component.one]
source = "one.wasm"
build = { command = ["echo first", "pwd"], workdir = "sub" }
[component.plain]
source = "plain.wasm"
[component.other]
source = "other.wasm"
build = { command = "echo other" }
"""


def with_build(build: str, manifest: str = HELLO) -> str:
    return f"{manifest}[component.hello.build]\n{build}\n"


def test_runs_the_command_in_the_manifests_folder(spin: Spin, tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", with_build('command = "pwd && env | sort"'))
    result = Spin(spin.bin_dir, spin.home, {"MARK": "kept"})("build", "-f", "app/spin.toml", cwd=tmp_path)
    first, folder, *environment, last = result.out.splitlines()
    assert result.status == 0
    assert first == "Building component hello with `pwd && env | sort`"
    assert folder == str(app)
    assert last == "Finished building all Spin components"
    names = {line.partition("=")[0] for line in environment} - {"_", "SHLVL", "PWD", "OLDPWD"}
    assert names == {"HOME", "MARK", "PATH"}, "the environment is passed on unchanged"
    assert result.err == ""


def test_order_and_working_directory(spin: Spin, tmp_path: Path) -> None:
    write_app(tmp_path, TWO, files={"sub/x": ""})
    assert spin("build", cwd=tmp_path).out.splitlines() == [
        "Building component one with `echo first`",
        "first",
        "Building component one with `pwd`",
        str(tmp_path / "sub"),
        "Building component other with `echo other`",
        "other",
        "Finished building all Spin components",
    ]


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
    assert result.out == "None of the components have a build command.\n"


@pytest.mark.parametrize(
    ("workdir", "said"),
    [
        ("/tmp", "Error: The workdir specified in the application file must be relative.\n"),
        (
            "nope",
            "Error: Cannot spawn build process for component hello: No such file or directory (os error 2)\n",
        ),
    ],
)
def test_bad_working_directories(spin: Spin, tmp_path: Path, workdir: str, said: str) -> None:
    write_app(tmp_path, with_build(f'command = "true"\nworkdir = "{workdir}"'))
    result = spin("build", cwd=tmp_path)
    assert (result.status, result.err) == (1, said)


@pytest.mark.parametrize("manifest", ["not toml", HELLO.replace('name = "hello"', "name = 1")])
def test_an_invalid_manifest_is_not_built(spin: Spin, tmp_path: Path, manifest: str) -> None:
    result = spin("build", cwd=write_app(tmp_path, with_build('command = "echo built"', manifest)))
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith(
        'Error: Cannot read manifest file from "spin.toml"\n\nCaused by:\n      TOML parse error'
    )


def test_targets_cannot_be_checked_here(spin: Spin, tmp_path: Path) -> None:
    manifest = HELLO.replace('name = "hello"', 'name = "hello"\ntargets = ["spin-up:3"]')
    write_app(tmp_path, with_build('command = "true"', manifest))
    assert spin("build", "--skip-target-checks", cwd=tmp_path).status == 0
    result = spin("build", cwd=tmp_path)
    assert (result.status, result.out) == (1, "")
    assert "build with --skip-target-checks" in result.err
