"""What the type check judges: the app's own code, along its imports; and what it makes of the SDK's classes.

Many small apps are checked as the components of one: starting mypy takes longer than checking any of them.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from builder.typecheck import handler_answers, sdk_classes

from tests.unit.builder.conftest import CheckUpload
from tests.unit.builder.harness import HELLO, manifest, zipped

WRONG = "x: int = ''\n"
BUILD = "componentize-py -w spin-http componentize app -o app.wasm"
PREFIX = "MyPy validation failed: "


def _apps(apps: Mapping[str, Mapping[str, str | bytes]], command: str = BUILD) -> bytes:
    """Each app as a component that is built in the folder of its name."""
    text = 'spin_manifest_version = 2\n[application]\nname = "app"\n'
    files: dict[str, str | bytes] = {}
    for name, content in apps.items():
        text += f'[component.{name}]\nsource = "{name}/app.wasm"\n'
        text += f"[component.{name}.build]\ncommand = '''{content.get('command', command)!s}'''\nworkdir = '{name}'\n"
        files |= {f"{name}/{path}": file for path, file in content.items() if path != "command"}
    return zipped({"spin.toml": text, **files})


def _told(check_upload: CheckUpload, apps: Mapping[str, Mapping[str, str | bytes]]) -> dict[str, str]:
    """The first line about each app that is told anything."""
    told: dict[str, str] = {}
    for line in str(check_upload("app.zip", _apps(apps)) or "").removeprefix(PREFIX).splitlines():
        name, slash, text = line.partition("/")
        if slash and name in apps:
            told.setdefault(name, text)
    return told


def _installed(module: str, content: str, record: str | None = None) -> dict[str, str]:
    """What `pip install --target .` leaves of a package."""
    listed = f"{module},sha256=x,1\nsome-1.0.dist-info/METADATA,,\nsome-1.0.dist-info/RECORD,,\n"
    return {
        module: content,
        "some-1.0.dist-info/METADATA": "Name: some\n",
        "some-1.0.dist-info/RECORD": listed if record is None else record,
    }


def _using(module: str) -> str:
    return f"import {module}\n\n{HELLO}"


NOT_JUDGED: dict[str, dict[str, str | bytes]] = {
    "docs": {"app.py": HELLO, "docs/conf.py": "import sphinx_rtd_theme\n"},
    "dev-server": {"app.py": HELLO, "dev_server.py": "import flask\n" + WRONG},
    "noxfile": {"app.py": HELLO, "noxfile.py": "import nox\n", "locustfile.py": "import locust\n"},
    "old-copy": {"app.py": HELLO, "app_old.py": HELLO + WRONG, "app (1).py": "def ("},
    "test-code": {"app.py": HELLO, "tests/test_app.py": "import pytest\n", "conftest.py": "import pytest\n"},
    "pip-target": {"app.py": _using("yaml"), **_installed("yaml/__init__.py", "from yaml.cyaml import x\n" + WRONG)},
    "pip-target-module": {"app.py": _using("six"), **_installed("six.py", WRONG)},
    "pip-target-typed": {"app.py": _using("typed"), **_installed("typed/__init__.py", WRONG), "typed/py.typed": ""},
    "pip-target-folder": {
        "app.py": _using("router"),
        "command": BUILD.replace("app -o", "-p . --python-path=lib app -o"),
        **{f"lib/{path}": text for path, text in _installed("router/__init__.py", WRONG).items()},
    },
    "virtual-environment": {"app.py": HELLO, "env/pyvenv.cfg": "", "env/lib/python3.12/site-packages/a.py": "def ("},
    "hidden": {"app.py": HELLO, ".ipynb_checkpoints/app.py": WRONG},
    "makefile": {"app.py": HELLO, "command": "make", "serve.py": "import flask\nimport spin_sdk\n"},
    "shell": {"app.py": HELLO, "command": f'bash -c "pip install x && {BUILD}"', "b.py": WRONG},
    "src": {
        "command": BUILD.replace("app -o", "-p src app -o"),
        "src/app.py": _using("a"),
        "src/a.py": "",
        "a.py": WRONG,
    },
}


def test_what_the_app_does_not_import_or_did_not_write(check_upload: CheckUpload) -> None:
    assert check_upload("app.zip", _apps(NOT_JUDGED)) is None


JUDGED: dict[str, dict[str, str | bytes]] = {
    **{
        name.replace("_", "-"): {
            "app.py": _using(f"{name}.prices"),
            f"{name}/__init__.py": "",
            f"{name}/prices.py": WRONG,
        }
        for name in ("shop", "vendor", "target", "tests", "third_party", "build", "venv", "site")
    },
    "ab-test": {"app.py": _using("ab_test"), "ab_test.py": WRONG},
    "test-ab": {"app.py": _using("test_ab"), "test_ab.py": WRONG},
    "conftest": {"app.py": _using("conftest"), "conftest.py": WRONG},
    "beside-installed": {"app.py": _using("own"), "own.py": WRONG, **_installed("six.py", "")},
    "far": {"app.py": _using("a"), "a.py": "import b\n", "b.py": "from c import d\n", "c/d.py": WRONG},
    "entry-elsewhere": {"command": "cd src && " + BUILD.replace("app -o", "main -o"), "src/main.py": HELLO + WRONG},
    "makefile": {"command": "make", "app.py": HELLO + WRONG},
    "no-app": {"command": "./build.sh", "service.py": HELLO + WRONG},
    "unnamed": {"command": f"sh -c '{BUILD} && ls'", "app.py": HELLO + "\n" + WRONG},
}


def test_what_the_app_imports_is_judged_whatever_its_name(check_upload: CheckUpload) -> None:
    told = _told(check_upload, JUDGED)
    assert told.keys() == JUDGED.keys()
    assert all("Incompatible types in assignment" in text for text in told.values())


def test_a_record_that_lies_about_its_folder_or_is_none(check_upload: CheckUpload) -> None:
    record = '../app.py,,\n/etc/passwd,,\n"unfinished\n\0,,\n'
    files = {"app.py": HELLO + WRONG, **_installed("six.py", "", record)}
    assert str(check_upload("app.zip", zipped({"spin.toml": manifest(BUILD), **files}))).startswith(
        f"{PREFIX}app.py:7:"
    )


BODY = "    def handle_request(self, request: Request) -> Response:\n        return Response(200, {}, b'')\n"
IMPORT = "from spin_sdk.http import IncomingHandler, Request, Response\n"
IDIOMS: dict[str, str | bytes] = {
    "plain": HELLO,
    "euc-kr": "# -*- coding: euc-kr -*-\n# 한글\n".encode("euc-kr") + HELLO.encode(),
    "cp949": "# -*- coding: cp949 -*-\n# 똠방\n".encode("cp949") + HELLO.encode(),
    "bom": b"\xef\xbb\xbf" + HELLO.encode(),
    "star": f"from spin_sdk.http import *\n\n\nclass IncomingHandler(IncomingHandler):\n{BODY}",
    "two-stars": "from spin_sdk import http\nfrom spin_sdk.http import *\nfrom json import *\n\n\n"
    f"class IncomingHandler(http.IncomingHandler):\n{BODY}",
    "try": "try:\n" + "".join(f"    {line}\n" for line in HELLO.splitlines()) + "except ImportError:\n    pass\n",
    "if": "import os\nif os.name:\n" + "".join(f"    {line}\n" for line in HELLO.splitlines()),
    "import-in-try": (
        f"try:\n    {IMPORT}except ImportError:\n    raise\n\n\nclass IncomingHandler(IncomingHandler):\n" + BODY
    ),
    "module-and-name": f"from spin_sdk import http\n{IMPORT}\n\nclass IncomingHandler(http.IncomingHandler):\n{BODY}",
    "dotted": f"import spin_sdk.http\n{IMPORT}\n\nclass IncomingHandler(spin_sdk.http.IncomingHandler):\n{BODY}",
    "alias": f"import spin_sdk.http as h\n{IMPORT}\n\nclass IncomingHandler(h.IncomingHandler):\n{BODY}",
    "two-names": f"{IMPORT}from spin_sdk.http import IncomingHandler as Base\n\n\nclass IncomingHandler(Base):\n{BODY}",
    "reassigned": f"{IMPORT}\nBase = IncomingHandler\n\n\nclass IncomingHandler(Base):\n{BODY}",
    "decorated": f"import typing\n{IMPORT}\n\n@typing.final\nclass IncomingHandler(IncomingHandler):\n{BODY}",
    "in-function": f"def make() -> type:\n    {IMPORT}\n    class IncomingHandler(IncomingHandler):\n"
    + "".join(f"    {line}\n" for line in BODY.splitlines())
    + "    return IncomingHandler\n\n\nIncomingHandler = make()\n",
    "later-python": HELLO + "\n\ntype Names[T] = list[T]\n",
    "later-python-in-try": "try:\n    import json\nexcept ImportError:\n    pass\n\ntype Names[T] = list[T]\n" + HELLO,
}


def test_a_class_over_an_import_of_the_sdk_and_derived_from_it(check_upload: CheckUpload) -> None:
    assert check_upload("app.zip", _apps({name: {"app.py": source} for name, source in IDIOMS.items()})) is None


REDEFINITIONS = {
    "twice": f"{HELLO}\n\nclass IncomingHandler(IncomingHandler):\n{BODY}",
    "no-base": f"{IMPORT}\n\nclass IncomingHandler:\n{BODY}",
    "other-base": f"{IMPORT}\n\nclass IncomingHandler(Request):\n    pass\n",
    "other-name": f"{IMPORT}\n\nclass Request(IncomingHandler): ...\n\n\nclass IncomingHandler(IncomingHandler): ...\n",
    "another-library": f"{HELLO}\nfrom json import JSONEncoder\n\n\nclass JSONEncoder(JSONEncoder):\n    pass\n",
    "function": f"{HELLO}\n\ndef Request() -> None:\n    pass\n",
    "own": f"{HELLO}\n\ndef a() -> None: ...\ndef a() -> None: ...\n",
}


def test_a_real_redefinition(check_upload: CheckUpload) -> None:
    told = _told(check_upload, {name: {"app.py": source} for name, source in REDEFINITIONS.items()})
    assert told.keys() == REDEFINITIONS.keys()
    assert all(text.endswith("[no-redef]") for text in told.values()), told


NO_HANDLER = {
    "lambda": (
        "def handler(event, context):\n    return {}\n",
        "app.py:1: def handler(event, context) is how a function",
    ),
    "lambda-named": (
        "def lambda_handler(e, c):\n    return {}\n",
        "app.py:1: def lambda_handler(e, c) is how a function",
    ),
    "name": (
        HELLO.replace("class Inc", "class MyInc"),
        "app.py:4: class MyIncomingHandler derives from IncomingHandler",
    ),
    "name-dotted": (
        "from spin_sdk import http\n\n\nclass Api(http.IncomingHandler):\n    pass\n",
        "app.py:4: class Api derives from IncomingHandler",
    ),
    "import-only": (IMPORT, "app.py: there is no class IncomingHandler"),
    "nothing": ("print('hello')\n", "app.py: there is no class IncomingHandler"),
    "flask": ("app = print()\n", "app.py: there is no class IncomingHandler"),
}


def test_a_source_without_a_handler(check_upload: CheckUpload) -> None:
    told = _told(check_upload, {name: {"app.py": source} for name, (source, _) in NO_HANDLER.items()})
    assert {name: text[: len(NO_HANDLER[name][1])] for name, text in told.items()} == {
        name: text for name, (_, text) in NO_HANDLER.items()
    }


def test_a_source_for_another_sdk(check_upload: CheckUpload) -> None:
    source = "from spin_sdk.http import Handler, Request, Response\n\n\nclass HttpHandler(Handler):\n    pass\n"
    text = str(check_upload("my app.py", source))
    assert "my app.py:4: class HttpHandler is written for version 4 of spin-sdk, and the builder has 3.4.1." in text
    assert "class IncomingHandler(IncomingHandler):" in text


HANDLES = f"{IMPORT}\n\nclass IncomingHandler(IncomingHandler):\n    def handle_request(self, request):\n        "
"""A handler without annotations, up to its body."""
NO_RESPONSE = {
    "text": ("return 'hello'", "app.py:6: handle_request returns text and has to return a Response."),
    "formatted": ("return f'{request.uri}'", "app.py:6: handle_request returns text"),
    "bytes": ("return b'hello'", "app.py:6: handle_request returns bytes"),
    "dict": ("return {'statusCode': 200}", "app.py:6: handle_request returns a dict"),
    "tuple": ("return 200, {}, b''", "app.py:6: handle_request returns a tuple"),
    "number": ("return 200", "app.py:6: handle_request returns a number"),
    "none": ("return None", "app.py:6: handle_request returns nothing"),
    "bare": ("return", "app.py:6: handle_request returns nothing"),
    "pass": ("pass", "app.py:5: handle_request returns nothing"),
    "inner": ("def inner():\n            return 1\n        inner()", "app.py:5: handle_request returns nothing"),
    "branch": (
        "if request.body:\n            return Response(200, {}, b'')\n        return 'empty'",
        "app.py:8: handle_request returns text",
    ),
}
RESPONSES = [
    "return Response(200, {}, b'')",
    "return self.answer(request)",
    "return answers[request.uri]",
    "raise NotImplementedError",
    "def inner():\n            return 'text'\n        return Response(200, {}, inner())",
    "name = lambda: 'text'\n        return Response(200, {}, name())",
    "while True:\n            break",
    "return 'text'\n    def handle(self, request, out): ...",
]


def test_an_answer_that_is_no_response(check_upload: CheckUpload) -> None:
    told = _told(check_upload, {name: {"app.py": HANDLES + body + "\n"} for name, (body, _) in NO_RESPONSE.items()})
    assert {name: text[: len(NO_RESPONSE[name][1])] for name, text in told.items()} == {
        name: text for name, (_, text) in NO_RESPONSE.items()
    }


def test_an_asynchronous_handler(check_upload: CheckUpload) -> None:
    source = HANDLES.replace("def handle", "async def handle") + "return Response(200, {}, b'')\n"
    assert "app.py:5: handle_request is async, and Spin 3 calls it" in str(check_upload("app.py", source))


@pytest.mark.parametrize("source", [HELLO, *(HANDLES + body + "\n" for body in RESPONSES), "def (", "(" * 10_000])
def test_an_answer_that_may_be_a_response(tmp_path: Path, source: str) -> None:
    (tmp_path / "app.py").write_text(source)
    assert handler_answers.unfit_answer(str(tmp_path / "app.py")) is None


HANDLERS = [
    HELLO,
    "from api import IncomingHandler\n",
    "from .api import IncomingHandler as IncomingHandler\n",
    "from api import *\n",
    "from spin_sdk.http import *\nfrom api import *\n",
    "import api\nIncomingHandler = api.Handler\n",
    "import api\nsetattr(api, 'IncomingHandler', api.X)\n",
    "globals()['IncomingHandler'] = object\n",
    "exec('class IncomingHandler: pass')\n",
    "def make() -> None:\n    global IncomingHandler\n    IncomingHandler = object\n",
    "def __getattr__(name: str) -> object: ...\n",
    "if True:\n    class IncomingHandler: ...\n",
    "with open('x') as IncomingHandler: ...\n",
    "for IncomingHandler in [object]: ...\n",
    "type X = int\n",
    "def (",
    "(" * 10_000,
]


@pytest.mark.parametrize("source", HANDLERS)
def test_a_handler_that_is_there_or_may_be(tmp_path: Path, source: str) -> None:
    (tmp_path / "app.py").write_text(source)
    assert sdk_classes.missing_handler(str(tmp_path / "app.py")) is None


def test_other_worlds_have_other_classes(check_upload: CheckUpload) -> None:
    command = BUILD.replace("spin-http", "spin-redis")
    assert check_upload("app.zip", _apps({"redis": {"app.py": "x = 1\n", "command": command}})) is None


OF_A_FILE = "send a .zip with spin.toml, this file and that one"
OF_A_PACKAGE = "requirements.txt at the root of the .zip"
OF_THE_SDK = "The builder has its own version of spin-sdk"


@pytest.mark.parametrize(
    ("source", "hints"),
    [
        ("from .util import x\n", {OF_A_FILE}),
        ("import util\n", {OF_A_FILE, OF_A_PACKAGE}),
        ("import spin_sdk.sockets\n", {OF_THE_SDK}),
    ],
)
def test_hints_for_a_module_that_is_not_there(check_upload: CheckUpload, source: str, hints: set[str]) -> None:
    text = str(check_upload("app.py", source + HELLO))
    assert {hint for hint in (OF_A_FILE, OF_A_PACKAGE, OF_THE_SDK) if hint in text} == hints


def test_a_hint_for_a_module_that_is_not_in_the_zip(check_upload: CheckUpload) -> None:
    text = str(check_upload("app.zip", zipped({"spin.toml": manifest(BUILD), "app.py": "import util\n" + HELLO})))
    assert "it is not in the .zip" in text


@pytest.mark.parametrize("content", [HELLO.encode("utf-16"), "# 한글\n".encode("cp949")])
def test_a_source_in_an_encoding_that_it_does_not_name(check_upload: CheckUpload, content: bytes) -> None:
    text = str(check_upload("my app.py", content))
    assert text.startswith(f"{PREFIX}my app.py: error: Cannot decode file")
    assert "Save the file as UTF-8" in text


def test_names_that_python_composes(check_upload: CheckUpload) -> None:
    decomposed = "\u1103\u1169\u1100\u116e.py"  # 도구, as macOS names it
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {"spin.toml": manifest(BUILD), "app.py": _using("도구"), decomposed: WRONG}.items():
            archive.writestr(name, content)
    assert str(check_upload("app.zip", buffer.getvalue())).startswith(f"{PREFIX}도구.py:1: error: Incompatible types")
