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
    ("old", "new", "said"),
    [
        ('name = "hello"', 'nmae = "hello"', " at application: missing field `name`"),
        (
            'name = "hello"',
            'name = "a"\nx = 1',
            " at application: unknown field `x`, expected one of `name`",
        ),
        ('name = "hello"', "name = 1", " at application.name: invalid type: integer `1`, expected a string"),
        ("authors = [", "authors = [1, ", " at application.authors: invalid type: integer `1`, expected a string"),
        ('source = "app.wasm"', "", " at component.hello: missing field `source`"),
        ('source = "app.wasm"', "source = {}", " at component.hello.source: expected the path of a .wasm file"),
        ('source = "app.wasm"', 'source = "a"\nsauce = 1', " at component.hello: unknown field `sauce`"),
        ("[component.hello]", "[component.my_app]", " at component.my_app: 'my_app' is not valid"),
        ('component = "hello"', 'component = "my_app"', " at trigger.http[0].component: 'my_app' is not valid"),
        ("[[trigger.http]]", "[trigger.http]", " at trigger.http: invalid type: map, expected a sequence"),
        ("[[trigger.http]]", "[[tigger.http]]", ": missing field `trigger`"),
        ("[component.hello]", "[componentt.hello]", ": unknown field `componentt`"),
        ('source = "app.wasm"', 'source = "a"\nfiles = [1]', " at component.hello.files: data did not match any"),
        ('source = "app.wasm"', 'source = "a"\nbuild = { comand = "x" }', " at component.hello.build: missing field"),
        ('source = "app.wasm"', 'source = "a"\nbuild = { command = 1 }', " at component.hello.build.command: data"),
        ('source = "app.wasm"', 'source = "a"\nvariables = { A = "x" }', " at component.hello.variables.A: 'A' is"),
        (
            'source = "app.wasm"',
            'source = "a"\nkey_value_stores = ["a_b-c"]',
            " at component.hello.key_value_stores: '",
        ),
        (
            'source = "app.wasm"',
            'source = "a"\nenvironment = { a = true }',
            " at component.hello.environment.a: inval",
        ),
        ("[application]", "[application]\ntool = { x = 1 }", " at application.tool.x: invalid type: integer `1`"),
        ("route =", "route", ": Expected '=' after a key in a key/value pair (at line 10, column 7)"),
        ('"demo"', '"demo', ": Illegal character '\\n' (at line 7, column 20)"),
    ],
)
def test_faults_name_their_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert fault(tmp_path, HELLO.replace(old, new, 1)).startswith(f"TOML parse error{said}")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("", "missing field `spin_manifest_version`"),
        ("spin_manifest_version = 3", "invalid manifest version: 3"),
        ("spin_manifest_version = '2'", "invalid manifest version: '2'"),
        ("spin_manifest_version = 2.0", "invalid manifest version: 2.0"),
        ('spin_version = "1"', "missing field `spin_manifest_version`"),
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
