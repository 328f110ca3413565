"""spin.toml: what is accepted, and what each refusal says."""

from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.source.manifest import Manifest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.builder.harness import manifest

HEAD = 'spin_manifest_version = 2\n[application]\nname = "app"\n'


def _read(tmp_path: Path, text: str | bytes, most: int = 20) -> Manifest:
    (tmp_path / "spin.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return Manifest.read(tmp_path, most)


def test_a_component_in_full(tmp_path: Path) -> None:
    text = manifest(
        "make",
        source='"./target//app.wasm"',
        files='["assets/*", { source = "static", destination = "/" }]',
        dependencies='{ "a:b/c" = { path = "lib/c.wasm" }, "d:e/f" = { component = "other" } }',
    )
    (component,) = _read(tmp_path, text + 'workdir = "./src/"\n').components
    assert component.source == "target/app.wasm"
    assert component.files == ("assets/*", "static")
    assert component.dependencies == ("lib/c.wasm",)
    assert component.commands == ("make",)
    assert component.workdir == "src"


def test_components_that_stand_in_triggers(tmp_path: Path) -> None:
    text = HEAD + (
        '[[trigger.http]]\nroute = "/a"\ncomponent = { source = "a.wasm" }\n'
        '[[trigger.http]]\nroute = "/b"\ncomponent = { source = "b.wasm" }\n[trigger.http.components]\n'
        'x = { source = "c.wasm" }\ny = [{ source = "d.wasm" }, "named"]\n'
    )
    sources = [component.source for component in _read(tmp_path, text).components]
    assert sources == ["a.wasm", "b.wasm", "c.wasm", "d.wasm"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.wasm", "a/../../x.wasm", "a\\\\b", "", "a\\u0000b"])
@pytest.mark.parametrize(
    "component",
    [
        {"source": '"{}"'},
        {"files": '["{}"]'},
        {"files": '[{{ source = "{}", destination = "/" }}]'},
        {"dependencies": '{{ "a:b/c" = {{ path = "{}" }} }}'},
    ],
)
def test_paths_outside_the_folder(tmp_path: Path, path: str, component: dict[str, str]) -> None:
    ((key, value),) = component.items()
    with pytest.raises(BuildError, match=r"must be a relative path inside the app's folder\.$"):
        _read(tmp_path, manifest(None, **{key: value.format(path)}))


def test_a_path_outside_the_folder_in_a_trigger(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"of trigger\.http number 1: source: '\.\./a'"):
        _read(tmp_path, HEAD + '[[trigger.http]]\ncomponent = { source = "../a" }\n')


@pytest.mark.parametrize(
    ("component", "text"),
    [
        ({"source": '{ url = "https://x/a.wasm", digest = "sha256:00" }'}, "no URL, no registry"),
        ({"source": '{ registry = "x", package = "a:b", version = "1.0.0" }'}, "no URL, no registry"),
        ({"dependencies": '{ "a:b/c" = "1.0.0" }'}, "a registry or a URL"),
        (
            {"dependencies": '{ "a:b/c" = { url = "https://x", digest = "sha256:0" } }'},
            "a registry or a URL",
        ),
        ({"files": '"assets"'}, "files must be a list"),
        ({"files": "[1]"}, "each of files must be"),
        ({"files": '[{ source = "a", destination = "../b" }]'}, "destination of 'a'"),
        ({"build": "1"}, "build must be a table"),
        ({"build": "{ command = 1 }"}, "build.command must be"),
        ({"build": '{ command = "x", workdir = "/" }'}, "build.workdir: '/' must be a relative path"),
        ({"build": '{ command = "x", workdir = 1 }'}, "build.workdir must be a path"),
    ],
)
def test_what_a_component_may_not_say(tmp_path: Path, component: dict[str, str], text: str) -> None:
    with pytest.raises(BuildError) as refusal:
        _read(tmp_path, manifest(None, **component))
    assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", "spin.toml is not valid TOML: Invalid value (at end of document)"),
        ("\n\na b", "spin.toml is not valid TOML: Expected '=' after a key in a key/value pair (at line 3, column 3)"),
        (b"a = 1\nb = '\xff'", "spin.toml, line 2: not UTF-8 text. Save it as UTF-8."),
        ("\na = " + "[" * 100_000, "spin.toml, line 2: nested too deeply."),
        ("", "spin.toml must have spin_manifest_version = 2 (as a number, at the top)."),
        ('spin_manifest_version = "1"', "spin.toml must have spin_manifest_version = 2 (as a number, at the top)."),
        ("spin_manifest_version = 3", "spin.toml must have spin_manifest_version = 2 (as a number, at the top)."),
        ("spin_manifest_version = 2.0", "spin.toml must have spin_manifest_version = 2 (as a number, at the top)."),
        ("spin_manifest_version = 2", "spin.toml must have [application] with a name, in printable characters."),
        (HEAD, "spin.toml has no component: add a [component.<id>] table with source and build.command."),
        (
            HEAD + "component = 1",
            "spin.toml has no component: add a [component.<id>] table with source and build.command.",
        ),
        ("component = 1\n" + HEAD, "spin.toml: component must be a table."),
        (HEAD + "[component]\na = 1", "spin.toml: component a must be a table."),
        (HEAD + "[trigger]\nhttp = 1", "spin.toml: trigger.http must be a list: [[trigger.http]]."),
        ("#" * 1_048_577, "spin.toml is larger than 1,048,576 bytes."),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(BuildError) as refusal:
        _read(tmp_path, text)
    assert str(refusal.value) == message


def test_no_manifest_at_the_root(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^spin\.toml not found in root directory$"):
        Manifest.read(tmp_path, 20)


@pytest.mark.parametrize("label", ["my_app", "1a", "a--b", "aB", "-a", "가"])
def test_component_ids(tmp_path: Path, label: str) -> None:
    with pytest.raises(BuildError, match="is not valid: words of letters and digits"):
        _read(tmp_path, f'{HEAD}[component."{label}"]\nsource = "a.wasm"\n')


@pytest.mark.parametrize(("number", "fits"), [(3, True), (4, False)])
def test_the_number_of_components(tmp_path: Path, number: int, *, fits: bool) -> None:
    text = HEAD + "".join(f'[component.{chr(97 + index)}]\nsource = "a.wasm"\n' for index in range(number))
    if fits:
        assert len(_read(tmp_path, text, 3).components) == number
    else:
        with pytest.raises(BuildError, match="more than 3 components"):
            _read(tmp_path, text, 3)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(st.sampled_from("./\\ab\0"), max_size=10))
def test_an_accepted_path_stays_inside(tmp_path: Path, path: str) -> None:
    literal = '"' + path.replace("\\", "\\\\").replace("\0", "\\u0000") + '"'
    try:
        (component,) = _read(tmp_path, manifest(None, source=literal)).components
    except BuildError:
        return
    assert (tmp_path / component.source).resolve().is_relative_to(tmp_path.resolve())
