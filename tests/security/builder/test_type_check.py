"""The type check against files that would steer it, break it, or run in it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.log import BuildLog
from builder.sandbox import Sandbox
from builder.settings import Limits
from builder.source import unpack
from builder.task import Task
from builder.toolchain import Toolchain
from builder.typecheck import check

from tests.unit.builder.harness import FIRST_UID, HELLO, TOOLCHAIN, manifest, open_folder, zipped

Check = Callable[..., str | None]


@pytest.fixture
def run(mypy_cache: Path) -> Iterator[Check]:
    """Checks an upload: None when it passes, else the text for the uploader."""
    with open_folder() as folder:

        def checked(file_name: str, content: str | bytes, **limits: float) -> str | None:
            work = folder / "work"
            work.mkdir(mode=0o711)
            (work / "upload").write_bytes(content.encode() if isinstance(content, str) else content)
            (work / "app").mkdir()
            chosen = Limits.model_validate(limits)
            toolchain = Toolchain(TOOLCHAIN)
            environment = {"PATH": f"{TOOLCHAIN / 'bin'}:/usr/bin:/bin", "VIRTUAL_ENV": str(TOOLCHAIN)}
            task = Task("team-a", "task", f"build-sources/team-a/task/{file_name}", "r.example.com/a", None, None)
            try:
                app = unpack(work / "upload", task, work / "app", chosen)
                box = Sandbox.make(work / "check", environment, str(FIRST_UID), folder / "locks", chosen)
                with box:
                    check(app, box, toolchain, mypy_cache, BuildLog())
            except BuildError as error:
                return str(error)
            finally:
                shutil.rmtree(work)
            return None

        yield checked


def _zip(**files: str) -> bytes:
    named = {name.replace("__", "/").replace("_py", ".py"): text for name, text in files.items()}
    return zipped({"spin.toml": manifest(), **named})


def test_the_idiom_of_every_app_passes_and_an_error_beside_it_does_not(run: Check) -> None:
    assert run("app.py", HELLO) is None
    wrong = HELLO + "        return 1\n"
    assert run("app.py", wrong + "\nx: int = ''\n") == (
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


def test_any_other_redefinition_is_an_error(run: Check) -> None:
    text = str(run("app.zip", zipped({"spin.toml": manifest(), **REDEFINED})))
    named = [line.partition(":")[0] for line in text.removeprefix("MyPy validation failed: ").splitlines()]
    assert sorted(named) == sorted(REDEFINED)
    assert text.count("[no-redef]") == len(REDEFINED)


@pytest.mark.parametrize(
    "name", ["my-function.py", "111.py", "한글.py", "json.py", "spin_sdk.py", "class.py", "__init__.py", "types.py"]
)
def test_any_file_name_is_checked_and_named_in_errors(run: Check, name: str) -> None:
    # One error only: neither the idiom nor the name itself is one, and libraries of that name are still found.
    assert run(name, HELLO + "import json\njson.dumps(1)\nx: int = ''\n") == (
        f'MyPy validation failed: {name}:9: error: Incompatible types in assignment (expression has type "str", '
        'variable has type "int")  [assignment]'
    )


def test_files_beside_the_app_that_are_named_like_libraries(run: Check) -> None:
    names = ["json.py", "spin_sdk.py", "types.py", "typing.py", "http.py", "mypy.py", "abc.py", "collections/a.py"]
    beside = dict.fromkeys(names, "VALUE: int = 1\n")
    assert run("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO, **beside})) is None


def test_such_a_file_is_checked_under_its_own_name(run: Check) -> None:
    text = run("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO, "types.py": "x: int = ''\n"}))
    assert str(text).startswith("MyPy validation failed: types.py:1: error: Incompatible types")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mypy.ini", "[mypy]\nplugins = evil.py\nignore_errors = True\n"),
        (".mypy.ini", "[mypy]\nplugins = evil.py\npython_executable = ./evil.py\nignore_errors = True\n"),
        ("setup.cfg", "[mypy]\nplugins = evil.py\nignore_errors = True\n"),
        ("pyproject.toml", '[tool.mypy]\nplugins = ["evil.py"]\nignore_errors = true\n'),
    ],
)
def test_configuration_in_the_upload_is_not_read(run: Check, name: str, content: str) -> None:
    evil = "raise SystemExit('the plugin ran')\n"
    files = {"spin.toml": manifest(), "app.py": HELLO + "x: int = ''\n", "evil.py": evil, name: content}
    text = run("app.zip", zipped(files))
    assert str(text).startswith("MyPy validation failed: app.py:7: error: Incompatible types")
    assert "plugin ran" not in str(text)


def test_nothing_of_the_upload_is_run(run: Check) -> None:
    names = ["sitecustomize.py", "usercustomize.py", "mypy/__init__.py", "mypy/api.py", "ast.py", "json.py"]
    hostile = dict.fromkeys(names, "import os\nos._exit(0)\n")
    assert run("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO + "x: int = ''\n", **hostile})) == (
        'MyPy validation failed: app.py:7: error: Incompatible types in assignment (expression has type "str", '
        'variable has type "int")  [assignment]'
    )


def test_the_language_is_that_of_the_component(run: Check) -> None:
    # Python 3.12, whatever Python runs the builder: and the idiom is still known for one.
    source = HELLO + "\n\ntype Names[T] = list[T]\n\n\ndef first[T](names: Names[T]) -> T:\n    return names[0]\n"
    assert run("app.py", source) is None
    assert str(run("app.py", source + "x: int = first(['a'])\n")).startswith(
        "MyPy validation failed: app.py:14: error: "
    )


def test_a_module_that_is_not_there_is_an_error_with_a_way_out(run: Check) -> None:
    text = str(run("app.py", "import http_router\n"))
    assert text.splitlines()[0] == (
        "MyPy validation failed: app.py:1: error: Cannot find implementation or library stub for module named "
        '"http_router"  [import-not-found]'
    )
    assert "requirements.txt" in text.splitlines()[1]
    assert "# /// script" in text.splitlines()[1]


def test_a_package_that_the_app_ships_is_found_and_not_judged(run: Check) -> None:
    vendored = {"vendored/router/__init__.py": "x: int = ''\ndef go() -> int: ...\n"}
    files = {"app.py": "import router\nvalue: int = router.go()\n", **vendored}
    text = manifest("componentize-py -w spin-http componentize -p . -p vendored app -o app.wasm")
    assert run("app.zip", zipped({"spin.toml": text, **files})) is None
    installed = {"router/__init__.py": "x: int = ''\n", "router-1.0.dist-info/METADATA": ""}
    in_lib = {f"lib/{name}": content for name, content in installed.items()}
    text = text.replace("-p vendored", "--python-path=lib")
    assert run("app.zip", zipped({"spin.toml": text, "app.py": "import router\nrouter.x\n", **in_lib})) is None


def test_tests_in_the_upload_are_not_part_of_the_app(run: Check) -> None:
    files = {"tests/test_app.py": "import pytest\n", "conftest.py": "import pytest\n", "app.py": HELLO}
    assert run("app.zip", zipped({"spin.toml": manifest(), **files})) is None


def test_folders_that_are_no_packages(run: Check) -> None:
    files = {"my-dir/__init__.py": "", "my-dir/a.py": "x = 1\n", "one/util.py": "x = 1\n", "two/util.py": "x = 1\n"}
    assert run("app.zip", zipped({"spin.toml": manifest(), "app.py": HELLO, **files})) is None


def test_several_errors_are_listed_up_to_fifty(run: Check) -> None:
    text = str(run("app.py", "x: int = ''\n" * 60))
    lines = text.removeprefix("MyPy validation failed: ").splitlines()
    assert lines[0].startswith("app.py:1: error: ")
    assert lines[-1].startswith("(the first 50 of ")
    assert len(lines) == 51


def test_a_syntax_error(run: Check) -> None:
    assert str(run("my-app.py", "def (:\n")).startswith("MyPy validation failed: my-app.py:1: error: ")


@pytest.mark.parametrize("source", ["(" * 100_000, "x = " + "-" * 200_000 + "1\n", "\0", b"\xed\xa0\x80"])
def test_source_that_breaks_parsers_fails_the_build_and_nothing_else(run: Check, source: str | bytes) -> None:
    assert str(run("app.py", source)).startswith("MyPy validation failed: ")


def test_a_check_that_takes_too_long(run: Check) -> None:
    assert run("app.py", HELLO, type_check_seconds=0.05) == (
        "MyPy validation failed: the type check took longer than 0.05 seconds."
    )
