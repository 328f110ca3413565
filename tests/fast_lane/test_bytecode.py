"""Bytecode of packages that is made beforehand: it changes nothing but the time that a build takes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fast_lane.conftest import Lane, toolchain
from tests.fast_lane.test_command import HELLO

SITE_PACKAGES = "lib/python3.12/site-packages"
MODULES = 40
FUNCTIONS = "".join(f"def f{number}(a, b={number}):\n    return [a, b, 'text {number}']\n\n\n" for number in range(130))
TELLS = """
import json, os, sys
def there(*names):
    return {name: os.path.exists(f"/1/big/__pycache__/{name}.cpython-312.pyc") for name in names}
"""

Packages = Callable[[dict[str, str]], str]
"""Makes a virtual environment with these files beside a package ``big`` of 40 modules; answers its folder."""


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    number = 0

    def make(files: dict[str, str]) -> str:
        nonlocal number
        number += 1
        folder = tmp_path / f"environment{number}"
        target = folder / SITE_PACKAGES
        shutil.copytree(next((toolchain() / "lib").glob("python3*/site-packages/spin_sdk")), target / "spin_sdk")
        big = {f"big/part{part}.py": FUNCTIONS for part in range(MODULES)}
        big["big/__init__.py"] = "".join(f"from . import part{part}\n" for part in range(MODULES))
        for name, content in (big | files).items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text(content)
        return str(folder)

    return make


def told(output: str) -> dict[str, bool]:
    """What the app has told by an exception."""
    line = next(line for line in output.splitlines() if line.startswith("ValueError: "))
    found: dict[str, bool] = json.loads(line.removeprefix("ValueError: "))
    return found


def telling(program: str, *names: str) -> dict[str, str]:
    """An app that tells, after ``program``, which modules of ``big`` it has found bytecode of."""
    return {"app.py": f"{TELLS}\n{program}\nraise ValueError(json.dumps(there(*{names!r})))\n"}


def test_the_app_finds_it(lane: Lane, packages: Packages) -> None:
    build = lane(files=telling("import big", "__init__", "part0", f"part{MODULES - 1}"), VIRTUAL_ENV=packages({}))
    assert build.status == 1
    assert all(told(build.output).values()), build.output


def test_the_same_source_gives_the_same_bytes(lane: Lane, packages: Packages) -> None:
    files = {"app.py": f"import big.late, importlib\nimportlib.import_module('big.hidden')\n{HELLO}"}
    more = {"big/late.py": "import big.part1\nX = {1, 'a', (2, 'b')}", "big/hidden.py": FUNCTIONS}
    first, second = (lane(files=files, VIRTUAL_ENV=packages(more)) for _ in range(2))
    assert (first.status, "fast lane" in first.output) == (0, True), first.output
    assert first.component == second.component


def test_what_was_not_foreseen_is_compiled_by_the_app(lane: Lane, packages: Packages) -> None:
    program = "import big, importlib\nassert importlib.import_module('big.hidden').f1(2) == [2, 1, 'text 1']"
    build = lane(files=telling(program, "part1", "hidden"), VIRTUAL_ENV=packages({"big/hidden.py": FUNCTIONS}))
    assert told(build.output) == {"part1": True, "hidden": False}


def test_who_has_something_to_say_says_it_to_the_app(lane: Lane, packages: Packages) -> None:
    program = """
import big
import warnings
with warnings.catch_warnings(record=True) as said:
    import big.warns
    assert "invalid escape sequence" in str(said[0].message), said
try:
    import big.broken
except SyntaxError as error:
    assert error.filename == "/1/big/broken.py", error.filename
"""
    more = {"big/warns.py": r"X = '\d'", "big/broken.py": "x = (\n"}
    build = lane(files=telling(program, "part1", "warns", "broken"), VIRTUAL_ENV=packages(more))
    assert told(build.output) == {"part1": True, "warns": False, "broken": False}


def test_modules_look_as_ever(lane: Lane, packages: Packages) -> None:
    program = """
import big.part3 as module, traceback
assert module.__file__ == module.__spec__.origin == "/1/big/part3.py"
assert module.__cached__ == "/1/big/__pycache__/part3.cpython-312.pyc"
assert module.__loader__.get_source("big.part3").startswith("def f0(a, b=0):")
assert "__pycache__" not in os.listdir("/1/big")
assert not any(name.startswith("/1/big/__") for name in sys.path_importer_cache)
try:
    module.f1()
except TypeError as error:
    assert "f1() missing" in str(error)
assert module.f1.__code__.co_filename == "/1/big/part3.py"
"""
    build = lane(files=telling(program, "part3"), VIRTUAL_ENV=packages({}))
    assert told(build.output) == {"part3": True}


def test_bytecode_that_a_wheel_brings_is_left_alone(lane: Lane, packages: Packages) -> None:
    more = {"big/__pycache__/part1.cpython-312.pyc": "nonsense", "other/__init__.py": FUNCTIONS * 60}
    program = "import big.part1\nimport other\nassert big.part1.f1(2) == [2, 1, 'text 1']"
    environment = packages(more)
    build = lane(files=telling(program, "part0", "part1"), VIRTUAL_ENV=environment)
    assert told(build.output) == {"part0": False, "part1": True}
    assert Path(environment, SITE_PACKAGES, "big/__pycache__/part1.cpython-312.pyc").read_text() == "nonsense"


def test_few_modules_are_compiled_by_the_app(lane: Lane, packages: Packages) -> None:
    build = lane(files=telling("import big.part1", "part1"), VIRTUAL_ENV=packages({"big/__init__.py": ""}))
    assert told(build.output) == {"part1": False}
