"""The lane's ``componentize-py``: what it makes, what it refuses, what it leaves to the real one, and what it says."""

import os
from pathlib import Path

import pytest
from fast_lane.installation import Installation
from fast_lane.snapshot import is_made_from

from local.cloud.places import ROOT
from tests.fast_lane.conftest import HANDED_OVER, STANDARD, Lane, toolchain

HELLO = (ROOT / "examples" / "hello" / "app.py").read_text()


def failing(line: str) -> dict[str, str]:
    """An app that does something while it is imported."""
    return {"app.py": f"{line}\n{HELLO}"}


def test_a_component_of_the_base(lane: Lane) -> None:
    build = lane(files={"app.py": HELLO})
    assert (build.status, build.output.splitlines()[-1]) == (0, "Component built successfully")
    assert "componentize-py: fast lane: app.wasm in " in build.output
    base = Installation(toolchain()).component.read_bytes()
    assert is_made_from(base, build.component)
    assert len(base) < len(build.component) / 2, "the base is kept with a memory that no app is given"


def test_quiet_means_quiet(lane: Lane) -> None:
    assert lane("-q", *STANDARD, files={"app.py": HELLO}).output == ""


def test_the_same_source_gives_the_same_bytes(lane: Lane) -> None:
    files = {"app.py": f"import helpers.one\n{HELLO}", "helpers/__init__.py": "", "helpers/one.py": "import json, uuid"}
    files |= {f"helpers/more{number}.py": "" for number in range(60)}
    first = lane(files=files)
    # Other folder, other times, other inodes, another order of making them; another process anyway.
    second = lane(files=dict(reversed(files.items())), TZ="Asia/Seoul", HOME="/nowhere")
    for path in second.folder.rglob("*.py"):
        os.utime(path, (1, 1))
    third = lane(
        "-w", "spin-http", "componentize", "-p", str(second.folder), "app", "-o", "third.wasm", files={"x": ""}
    )
    assert first.component == second.component
    # A folder with the component in it is another source: CPython keeps what it has seen in a folder.
    assert third.status == 0


def test_other_source_gives_other_bytes(lane: Lane) -> None:
    assert lane(files={"app.py": HELLO}).component != lane(files={"app.py": f"x = 1\n{HELLO}"}).component


def test_modules_of_any_name_and_folder(lane: Lane) -> None:
    files = {"src/pkg/__init__.py": "", "src/pkg/main.py": HELLO}
    build = lane("-w", "spin-http", "componentize", "-p", "src", "pkg.main", "-o", "app.wasm", files=files)
    assert (build.status, "fast lane" in build.output) == (0, True)


@pytest.mark.parametrize(
    ("files", "end"),
    [
        (failing("import nosuch"), "ModuleNotFoundError: No module named 'nosuch'"),
        (failing("def x(:"), "SyntaxError: invalid syntax (app.py, line 1)"),
        (failing("raise ValueError('한글')"), "ValueError: 한글"),
        ({"app.py": "x = 1"}, "AttributeError: module 'app' has no attribute 'IncomingHandler'"),
        ({"app.py": "class IncomingHandler:\n def __init__(self):\n  1 / 0"}, "ZeroDivisionError: division by zero"),
        ({"other.py": HELLO}, "ModuleNotFoundError: No module named 'app'"),
    ],
)
def test_an_app_that_cannot_be_imported_fails(lane: Lane, files: dict[str, str], end: str) -> None:
    build = lane(files=files)
    assert build.status == 1
    assert build.output.rstrip().endswith(f"Caused by:\n    {end}")
    assert "blue_faas" not in build.output
    assert not (build.folder / "app.wasm").exists()


def test_a_traceback_is_the_apps(lane: Lane) -> None:
    build = lane(files={"app.py": "import helper", "helper.py": "print('first')\n1 / 0"})
    assert build.output.startswith(
        "AssertionError: first\nTraceback (most recent call last):\n"
        '  File "/0/app.py", line 1, in <module>\n    import helper\n'
        '  File "/0/helper.py", line 2, in <module>\n    1 / 0\n    ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (failing("import sys; sys.exit(3)"), "ends the process"),
        (failing("import os; os.abort()"), "stops the interpreter"),
        (failing("print('x' * 20_000)"), "prints a lot"),
        (failing("open('/0/made.txt', 'w')"), "writes files"),
        (failing("import os; os.mkdir('/0/made')"), "writes files"),
        (failing("import os; os.remove('/0/app.py')"), "writes files"),
        (failing("import os; os.rename('/0/app.py', '/0/b')"), "writes files"),
        (failing("import socket; socket.socket()"), "stops the interpreter"),
        (failing("import random; random.seed = None"), "replaces parts of the interpreter"),
        (failing("import sys; sys.argv = []"), "replaces parts of the interpreter"),
        (failing("from spin_sdk import key_value; key_value.open_default()"), "stops the interpreter"),
        (failing("def f(): f()\nf()"), "meets a limit of the interpreter"),
        (failing("x = b'x' * (3 << 29)"), "meets a limit of the interpreter"),
        ({"app.py": HELLO, "random.py": ""}, "has a module of its own named random"),
        ({"app.py": HELLO, "spin_sdk/__init__.py": ""}, "has a module of its own named spin_sdk"),
        ({"app.py": HELLO, "sitecustomize.py": ""}, "has a module of its own named sitecustomize"),
        ({"app.py": HELLO, "wit/componentize-py.toml": ""}, "has a file componentize-py.toml"),
        ({"app.py": HELLO, "a/b.cpython-312-wasm32-wasi.so": ""}, "has a file b.cpython-312-wasm32-wasi.so"),
    ],
)
def test_what_only_the_real_one_can_judge(lane: Lane, files: dict[str, str], reason: str) -> None:
    build = lane(files=files)
    assert build.status == HANDED_OVER
    assert build.output.startswith("componentize-py: full build: this app ")
    assert reason in build.output
    assert build.output.endswith(f"handed over: {' '.join(STANDARD)}\n")


def test_other_commands_are_handed_over_unchanged(lane: Lane) -> None:
    build = lane("-d", "wit", "-w", "other world", "bindings", "out", files={"x": ""})
    assert (build.status, build.output.splitlines()[-1]) == (
        HANDED_OVER,
        "handed over: -d wit -w other world bindings out",
    )


def test_another_sdk_is_handed_over(lane: Lane, tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "python3.12" / "site-packages" / "spin_sdk"
    packages.mkdir(parents=True)
    (packages / "__init__.py").write_text("")
    build = lane(files={"app.py": HELLO}, VIRTUAL_ENV=str(tmp_path))
    assert (build.status, "uses another spin-sdk" in build.output) == (HANDED_OVER, True)


def test_waiting_while_imported(lane: Lane) -> None:
    build = lane(
        files=failing("import time; t = time.monotonic(); time.sleep(0.05); assert time.monotonic() - t > 0.04")
    )
    assert build.status == 0


def test_only_what_is_imported_is_loaded(lane: Lane) -> None:
    check = "\n".join(
        [
            "import sys",
            "before = set(sys.modules)",
            "assert not before & {'random', 'asyncio', 'dataclasses', 'spin_sdk', 'logging', 'blue_faas_base'}, before",
            "import random",
            "assert {'random', 'bisect', 'itertools'} <= set(sys.modules)",
            "assert not set(sys.modules) & {'asyncio', 'dataclasses', 'spin_sdk'}",
            "import spin_sdk",
            "assert not hasattr(spin_sdk, 'wit') and not hasattr(spin_sdk, 'http')",
        ]
    )
    build = lane(files=failing(check))
    assert build.status == 0, build.output


def test_it_may_only_read(lane: Lane) -> None:
    looks = "\n".join(
        [
            "import os",
            "for place in ('/python', '/1', '/bundled', '/0/__pycache__'):",
            "    assert not os.access('/etc/passwd', os.R_OK)",
            "try:",
            "    os.listdir('/0/..')",
            "except OSError:",
            "    pass",
            "else:",
            "    raise AssertionError",
        ]
    )
    build = lane(files=failing(looks))
    assert build.status == 0, build.output
    assert {path.name for path in build.folder.iterdir()} == {"app.py", "app.wasm"}
