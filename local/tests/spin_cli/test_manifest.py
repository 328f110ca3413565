"""What is a valid manifest, and how a fault in one is shown."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.spin_cli.manifest import load_manifest
from local.spin_cli.terminal import SpinError
from local.tests.spin_cli.helpers import HELLO, write_app


def fault(folder: Path, manifest: str) -> str:
    with pytest.raises(SpinError) as caught:
        load_manifest(str(write_app(folder, manifest) / "spin.toml"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('name = "hello"', 'nmae = "hello"', 3, "missing field `name`"),
        ('name = "hello"', 'name = "hello"\nx = 1', 5, "unknown field `x`, expected one of `name`, `version`"),
        ('name = "hello"', "name = 1", 4, "invalid type: integer `1`, expected a string"),
        ("authors = [", "authors = [1, ", 6, "invalid type: integer `1`, expected a string"),
        ('source = "app.wasm"', "", 13, "missing field `source`"),
        ('source = "app.wasm"', "source = {}", 14, "untagged enum ComponentSource"),
        ('source = "app.wasm"', 'source = "a"\nsauce = 1', 15, "unknown field `sauce`"),
        ("[component.hello]", "[component.my_app]", 13, "words must be separated with '-', not '_'"),
        ('component = "hello"', 'component = "my_app"', 11, "words must be separated with '-', not '_'"),
        ("[[trigger.http]]", "[trigger.http]", 9, "invalid type: map, expected a sequence"),
        ("[[trigger.http]]", "[[tigger.http]]", 1, "missing field `trigger`"),
        ("[component.hello]", "[componentt.hello]", 13, "unknown field `componentt`"),
        ('source = "app.wasm"', 'source = "a"\nfiles = [1]', 15, "untagged enum WasiFilesMount"),
        ('source = "app.wasm"', 'source = "a"\nbuild = { comand = "x" }', 15, "missing field `command`"),
        ('source = "app.wasm"', 'source = "a"\nbuild = { command = 1 }', 15, "untagged enum Commands"),
        ('source = "app.wasm"', 'source = "a"\nvariables = { A = "x" }', 15, "must be all lowercase"),
        ('source = "app.wasm"', 'source = "a"\nkey_value_stores = ["a_b-c"]', 15, "words must be separated"),
        ('source = "app.wasm"', 'source = "a"\nenvironment = { a = true }', 15, "boolean `true`, expected a string"),
        ("route =", "route", 10, "expected"),
        ('"demo"', '"demo', 7, ""),
    ],
)
def test_faults_name_their_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    message = fault(tmp_path, HELLO.replace(old, new, 1))
    first, *_, last = message.splitlines()
    assert first.startswith(f"TOML parse error at line {line}, column ")
    assert said.lower() in last.lower()


def test_a_fault_is_shown_as_the_toml_crate_shows_it(tmp_path: Path) -> None:
    assert fault(tmp_path, HELLO.replace('name = "hello"', "name = 1")) == (
        "TOML parse error at line 4, column 1\n"
        "  |\n"
        "4 | name = 1\n"
        "  | ^^^^\n"
        "invalid type: integer `1`, expected a string"
    )


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("", "missing field `spin_manifest_version`"),
        ("spin_manifest_version = 3", "invalid manifest version: 3"),
        ("spin_manifest_version = '2'", 'invalid manifest version: "2"'),
        ("spin_manifest_version = 2.0", "invalid manifest version: 2.0"),
        ('spin_manifest_version = "1"', "version 1 is not supported here"),
        ('spin_version = "1"', "version 1 is not supported here"),
    ],
)
def test_versions_other_than_2_are_refused(tmp_path: Path, version: str, said: str) -> None:
    assert said in fault(tmp_path, HELLO.replace("spin_manifest_version = 2", version))


@pytest.mark.parametrize(
    "change",
    [
        ('name = "hello"', 'name = ""'),
        ('name = "hello"', 'name = "한글 !"'),
        ("[component.hello]", "[component.HELLO-w0rld]"),
        ('component = "hello"', 'component = "other"'),
        ('route = "/..."', 'route = "no slash"\nexecutor = { type = "nonsense" }'),
    ],
)
def test_what_the_real_one_does_not_check_passes(tmp_path: Path, change: tuple[str, str]) -> None:
    load_manifest(str(write_app(tmp_path, HELLO.replace(*change)) / "spin.toml"))


def test_a_manifest_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "spin.toml").write_bytes(b"\xff")
    with pytest.raises(SpinError) as caught:
        load_manifest(str(tmp_path / "spin.toml"))
    assert caught.value.chain()[1] == "stream did not contain valid UTF-8"


@settings(max_examples=60)
@given(st.integers(0, len(HELLO)), st.sampled_from(['"', "[", "]", "=", "1", "x", "\n", "{}", "한", "\\"]))
def test_any_small_damage_is_valid_or_a_spin_error(
    tmp_path_factory: pytest.TempPathFactory, position: int, damage: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.toml"
    path.write_text(HELLO[:position] + damage + HELLO[position:], "utf-8")
    with suppress(SpinError):
        load_manifest(str(path))
