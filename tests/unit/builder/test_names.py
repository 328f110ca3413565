"""Names of the app and component made for a single file."""

import pytest
from builder.source.manifest import Manifest
from builder.source.names import KEBAB_ID, component_id
from builder.source.single_file import make_app
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("my-function", "my-function"),
        ("My_Function 2", "my-function2"),
        ("111", "app111"),
        ("2-go", "app2-go"),
        ("한글", "app"),
        ("class", "class"),
        ("a" * 80, "a" * 63),
        ("--", "app"),
        ("team.app", "team-app"),
    ],
)
def test_the_nearest_component_id(name: str, expected: str) -> None:
    assert component_id(name) == expected


@given(st.text())
def test_every_name_has_a_valid_component_id(name: str) -> None:
    made = component_id(name)
    assert KEBAB_ID.fullmatch(made)
    assert len(made) <= 63


@pytest.mark.parametrize(
    "file_name", ["my-function.py", "my_function.py", "111.py", "한글.py", "json.py", "class.py", "a'\"\\b.PY"]
)
@pytest.mark.parametrize("app_name", [None, "My.App_1"])
def test_any_file_becomes_an_app(
    tmp_path_factory: pytest.TempPathFactory, file_name: str, app_name: str | None
) -> None:
    folder = tmp_path_factory.mktemp("app")
    source = tmp_path_factory.mktemp("upload") / "upload"
    source.write_bytes(b"print(1)\r\n")
    make_app(source, file_name, app_name, folder)
    assert (folder / "app.py").read_bytes() == b"print(1)\r\n"
    (component,) = Manifest.read(folder, 20).components
    assert component.source == "app.wasm"
    assert component.commands == ("componentize-py -w spin-http componentize app -o app.wasm",)
