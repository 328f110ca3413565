"""The type check against files that would steer it, break it, or run in it."""

import pytest

from tests.unit.builder.conftest import CheckUpload
from tests.unit.builder.harness import HELLO, manifest, zipped


def _zip(**files: str) -> bytes:
    named = {name.replace("__", "/").replace("_py", ".py"): text for name, text in files.items()}
    return zipped({"spin.toml": manifest(), **named})


def test_the_idiom_of_every_app_passes_and_an_error_beside_it_does_not(check_upload: CheckUpload) -> None:
    assert check_upload("app.py", HELLO) is None
    wrong = HELLO + "        return 1\n"
    assert check_upload("app.py", wrong + "\nx: int = ''\n") == (
        'MyPy validation failed: app.py:9: error: Incompatible types in assignment (expression has type "str", '
        'variable has type "int")  [assignment]'
    )


REDEFINED = {
    "again.py": HELLO + "\n\nclass IncomingHandler(IncomingHandler):\n    pass\n",
    "of_another_library.py": "from json import JSONEncoder\n\n\nclass JSONEncoder(JSONEncoder):\n    pass\n",
    "without_a_base.py": "from spin_sdk.http import Request\n\n\nclass Request:\n    pass\n",
    "as_a_function.py": "from spin_sdk.http import Request\n\n\ndef Request() -> None:\n    pass\n",
    "of_its_own.py": "def a() -> None: ...\ndef a() -> None: ...\n",
}


def test_any_other_redefinition_is_an_error(check_upload: CheckUpload) -> None:
    imports = "".join(f"import {name.removesuffix('.py')}\n" for name in REDEFINED)
    text = str(check_upload("app.zip", zipped({"spin.toml": manifest(), "app.py": imports, **REDEFINED})))
    named = [line.partition(":")[0] for line in text.removeprefix("MyPy validation failed: ").splitlines()]
    assert sorted(named) == sorted(REDEFINED)
    assert text.count("[no-redef]") == len(REDEFINED)


@pytest.mark.parametrize(
    "name", ["my-function.py", "111.py", "한글.py", "json.py", "spin_sdk.py", "class.py", "__init__.py", "types.py"]
)
def test_any_file_name_is_checked_and_named_in_errors(check_upload: CheckUpload, name: str) -> None:
    # One error only: neither the idiom nor the name itself is one, and libraries of that name are still found.
    assert check_upload(name, HELLO + "import json\njson.dumps(1)\nx: int = ''\n") == (
        f'MyPy validation failed: {name}:9: error: Incompatible types in assignment (expression has type "str", '
        'variable has type "int")  [assignment]'
    )


def test_files_beside_the_app_that_are_named_like_libraries(check_upload: CheckUpload) -> None:
    names = ["json.py", "spin_sdk.py", "types.py", "typing.py", "http.py", "mypy.py", "abc.py", "collections/a.py"]
    beside = dict.fromkeys(names, "VALUE: int = 1\n")
    assert check_upload("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO, **beside})) is None


def test_an_entry_of_such_a_name_is_checked_under_it(check_upload: CheckUpload) -> None:
    text = manifest("componentize-py -w spin-http componentize types -o app.wasm")
    told = check_upload("app.zip", zipped({"spin.toml": text, "types.py": HELLO + "x: int = ''\n"}))
    assert str(told).startswith("MyPy validation failed: types.py:7: error: Incompatible types")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mypy.ini", "[mypy]\nplugins = evil.py\nignore_errors = True\n"),
        (".mypy.ini", "[mypy]\nplugins = evil.py\npython_executable = ./evil.py\nignore_errors = True\n"),
        ("setup.cfg", "[mypy]\nplugins = evil.py\nignore_errors = True\n"),
        ("pyproject.toml", '[tool.mypy]\nplugins = ["evil.py"]\nignore_errors = true\n'),
    ],
)
def test_configuration_in_the_upload_is_not_read(check_upload: CheckUpload, name: str, content: str) -> None:
    evil = "raise SystemExit('the plugin ran')\n"
    files = {"spin.toml": manifest(), "app.py": HELLO + "x: int = ''\n", "evil.py": evil, name: content}
    text = check_upload("app.zip", zipped(files))
    assert str(text).startswith("MyPy validation failed: app.py:7: error: Incompatible types")
    assert "plugin ran" not in str(text)


def test_nothing_of_the_upload_is_run(check_upload: CheckUpload) -> None:
    names = ["sitecustomize.py", "usercustomize.py", "mypy/__init__.py", "mypy/api.py", "ast.py", "json.py"]
    hostile = dict.fromkeys(names, "import os\nos._exit(0)\n")
    assert check_upload("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO + "x: int = ''\n", **hostile})) == (
        'MyPy validation failed: app.py:7: error: Incompatible types in assignment (expression has type "str", '
        'variable has type "int")  [assignment]'
    )


def test_the_language_is_that_of_the_component(check_upload: CheckUpload) -> None:
    # Python 3.12, whatever Python runs the builder: and the idiom is still known for one.
    source = HELLO + "\n\ntype Names[T] = list[T]\n\n\ndef first[T](names: Names[T]) -> T:\n    return names[0]\n"
    assert check_upload("app.py", source) is None
    assert str(check_upload("app.py", source + "x: int = first(['a'])\n")).startswith(
        "MyPy validation failed: app.py:14: error: "
    )


def test_a_module_that_is_not_there_is_an_error_with_a_way_out(check_upload: CheckUpload) -> None:
    text = str(check_upload("app.py", "import http_router\n"))
    assert text.splitlines()[0] == (
        "MyPy validation failed: app.py:1: error: Cannot find implementation or library stub for module named "
        '"http_router"  [import-not-found]'
    )
    assert "requirements.txt" in text.splitlines()[1]
    assert "# /// script" in text.splitlines()[1]


def test_folders_that_are_no_packages(check_upload: CheckUpload) -> None:
    files = {"my-dir/__init__.py": "", "my-dir/a.py": "x = 1\n", "one/util.py": "x = 1\n", "two/util.py": "x = 1\n"}
    assert check_upload("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO, **files})) is None


def test_several_errors_are_listed_up_to_fifty(check_upload: CheckUpload) -> None:
    text = str(check_upload("app.py", "x: int = ''\n" * 60 + HELLO))
    lines = text.removeprefix("MyPy validation failed: ").splitlines()
    assert lines[0].startswith("app.py:1: error: ")
    assert lines[-1].startswith("(the first 50 of ")
    assert len(lines) == 51


def test_a_syntax_error(check_upload: CheckUpload) -> None:
    assert str(check_upload("my-app.py", "def (:\n")).startswith("MyPy validation failed: my-app.py:1: error: ")


@pytest.mark.parametrize("source", ["(" * 100_000, "x = " + "-" * 200_000 + "1\n", "\0", b"\xed\xa0\x80"])
def test_source_that_breaks_parsers_fails_the_build_and_nothing_else(
    check_upload: CheckUpload, source: str | bytes
) -> None:
    assert str(check_upload("app.py", source)).startswith("MyPy validation failed: ")


def test_a_check_that_takes_too_long(check_upload: CheckUpload) -> None:
    assert check_upload("app.py", HELLO, type_check_seconds=0.05) == (
        "MyPy validation failed: the type check took longer than 0.05 seconds."
    )
