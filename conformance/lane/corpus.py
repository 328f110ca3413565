"""The apps that are built, served and asked. `failing` has those whose build is the whole comparison."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.lane.case import Case, targets
from conformance.spin import http_cases
from conformance.spin.http_cases import HttpCase, request

_ROOT: Final = Path(__file__).resolve().parents[2]
_APPS: Final = Path(__file__).with_name("apps")
_EXAMPLES: Final = _ROOT / "examples"
_JSON: Final = "content-type: application/json"
_EIGHT: Final = (
    "attrs==25.3.0",
    "click==8.1.8",
    "Markdown==3.7",
    "Pygments==2.19.1",
    "pyparsing==3.2.1",
    "python-dateutil==2.9.0.post0",
    "sqlparse==0.5.3",
    "tomlkit==0.13.2",
)
"""And six, which dateutil needs."""

_LIBRARY: Final = (
    "argparse ast base64 binascii bisect calendar cmath codecs collections colorsys configparser copy csv "
    "datetime difflib email.message fnmatch fractions glob gettext heapq html.parser http.client inspect "
    "ipaddress json.tool numbers operator optparse plistlib"
)
_ACTIONS: Final = (
    "at-import thread timer lock socket resolve connect process fork kill signal pid user cwd write temporary "
    "depth endless memory exit os-exit abort interrupt sleep divide stdin stderr trace arguments nosuch"
)

HANDLER: Final = """\
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {}, repr(answer()).encode())
"""


def cases() -> Iterator[Case]:
    """Every case."""
    yield from _examples()
    yield from _sdk()
    yield _tests_component()
    yield Case(
        "state",
        {"app.py": _app("state")},
        targets("/", "/again", "/open", "/log", "/"),
        known={"bytes of two builds": "it reads the clock while it is imported"},
    )
    yield _own("late", *targets(*_LATE))
    yield _own("limits", *targets(*(f"/{name}" for name in _ACTIONS.split())))
    yield _own("unicode", *targets("/", "/%ED%95%9C", "/error", "/header", "/surrogate", "/"))
    yield packages_case()
    yield _many_modules()
    yield _large_module()
    yield _layouts()
    yield _encodings()
    yield _names()


def packages_case() -> Case:
    """Return the app with eight packages."""
    return Case("packages", {"app.py": _app("packages")}, packages=_EIGHT)


def _app(name: str) -> bytes:
    return (_APPS / f"{name}.py").read_bytes()


def _own(name: str, *requests: HttpCase) -> Case:
    return Case(name, {"app.py": _app(name)}, requests)


def _examples() -> Iterator[Case]:
    yield Case("examples/hello", _files("hello"))
    yield Case("examples/counter", _files("counter"), targets("/", "/", "/"))
    # Its types are wrong, which is the type check's to say: the component can be made.
    yield Case("examples/type-error", _files("type-error"))
    totals = [b'{"tea": 2}', b'{"nosuch": 1}', b"[]", b"nonsense"]
    posts = (HttpCase(f"total {body!r}", request("/shop/total", _JSON, method="POST", body=body)) for body in totals)
    yield Case("examples/shop", _files("shop"), (*targets("/shop/prices", "/shop/none"), *posts))


def _files(example: str) -> dict[str, bytes]:
    folder = _EXAMPLES / example
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.py")}


def _sdk() -> Iterator[Case]:
    """Apps of the kind that the SDK's repository shows at 3.4.1: one for each of its examples."""
    yield _own("sdk_outgoing_request", *targets("/127.0.0.1:9/", "/app.spin.internal/127.0.0.1:9", "/example.com/"))
    calls = (
        ("GET", b""),
        ("POST", b"value"),
        ("GET", b""),
        ("HEAD", b""),
        ("DELETE", b""),
        ("HEAD", b""),
        ("PUT", b"x"),
    )
    yield _own(
        "sdk_key_value",
        *(
            HttpCase(f"{number} {method}", request("/key", method=method, body=body))
            for number, (method, body) in enumerate(calls)
        ),
    )
    yield _own("sdk_variables", *targets("/greeting", "/absent"))
    yield _own("sdk_services", *targets("/redis", "/mysql", "/postgres", "/mqtt", "/llm"))
    bodies = (b"", b"abc", bytes(range(256)) * 4096)
    yield _own(
        "sdk_streaming",
        *(HttpCase(f"{len(body)} bytes", request("/", method="POST", body=body)) for body in bodies),
    )
    matrices = (b"[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]", b"[[[1]], [[0.1]]]", b"[]", b"{")
    yield _own("sdk_matrix", *(HttpCase(repr(body), request("/", method="POST", body=body)) for body in matrices))
    names = ("-w", "spin-http", "--import-interface-name", "fermyon:spin/sqlite@2.0.0=sqlite")
    sqlite = (*names, "componentize", "app", "-o", "app.wasm")
    yield Case("sdk_sqlite", {"app.py": _app("sdk_sqlite")}, arguments=sqlite, way="full build")
    redis = ("-w", "spin-redis", "componentize", "app", "-o", "app.wasm")
    yield Case("sdk_redis_trigger", {"app.py": _app("sdk_redis_trigger")}, (), arguments=redis, way="full build")


def _tests_component() -> Case:
    """Return the function that the tests deploy."""
    source = (_ROOT / "tests" / "support" / "component" / "app.py").read_bytes()
    files = {"app.py": source, "counter.py": (_EXAMPLES / "counter" / "app.py").read_bytes()}
    return Case(
        "the tests' component",
        files,
        tuple(case for case in http_cases.cases() if case.known is None),
        manifest=http_cases.MANIFEST,
        beside=http_cases.FILES,
    )


def _many_modules() -> Case:
    """Thirty modules that import each other and one of the standard library, with twelve dataclasses in each."""
    files: dict[str, str] = {"parts/__init__.py": "from . import part0\n"}
    for number, name in enumerate(library := _LIBRARY.split()):
        following = f"from . import part{number + 1}\n" if number + 1 < len(library) else ""
        classes = "".join(
            f"@dataclass(frozen=True, order=True)\nclass Class{index}:\n    a: int = {index}\n    b: str = 'b'\n"
            f"    c: list[int] = field(default_factory=list)\n"
            for index in range(12)
        )
        files[f"parts/part{number}.py"] = (
            f"import {name}\nfrom dataclasses import dataclass, field\n{following}{classes}"
            f"VALUE = Class{number % 12}({number})\n"
        )
    files["app.py"] = (
        "import sys\nimport parts\n\n\ndef answer():\n    found = [n for n in sys.modules if n.startswith('parts')]\n"
        "    return [found, [getattr(parts, f'part{i}').VALUE for i in range(30)]]\n\n\n" + HANDLER
    )
    return Case("30 modules", {name: text.encode() for name, text in files.items()})


def _large_module() -> Case:
    """Write a module of 1.5 MB: functions, classes, a long table."""
    chosen = random.Random(1)  # noqa: S311 - no secret
    table = ",\n".join(f"    ({number}, {chosen.random()!r}, 'row {number}')" for number in range(20_000))
    functions = "\n".join(f"def f{number}(a, b={number}):\n    return a + b * {number}\n" for number in range(5_000))
    answer = "def answer():\n    return len(TABLE), TABLE[-1], f4999(1)\n\n\n"
    program = f"TABLE = [\n{table}\n]\n{functions}\n\n{answer}{HANDLER}"
    return Case("a large module", {"app.py": program.encode()})


def _layouts() -> Case:
    """Make packages of every form, below a folder of sources, with a module of the app named by its path."""
    files = {
        "src/pkg/__init__.py": "from .sub import *\nfrom .sub.deep import VALUE as DEEP\n",
        "src/pkg/sub/__init__.py": "__all__ = ['ONE']\nfrom .one import ONE\n",
        "src/pkg/sub/one.py": "from ..other import OTHER\nONE = OTHER + 1\n",
        "src/pkg/other.py": "OTHER = 1\n",
        "src/pkg/sub/deep/__init__.py": "from ...lazy import load\nVALUE = load('data.txt')\n",
        "src/pkg/lazy.py": (
            "from importlib.resources import files\n\n\ndef load(name):\n"
            "    return files('pkg').joinpath(name).read_text()\n\n\ndef __getattr__(name):\n    return name.upper()\n"
        ),
        "src/pkg/data.txt": "데이터\n",
        "src/space/inner/leaf.py": "LEAF = __name__, __file__, __package__\n",
        "src/pkg/main.py": (
            "import sys\n\nimport pkg\nfrom pkg import lazy\nfrom space.inner import leaf\nimport space\n\n\n"
            "def answer():\n    return [pkg.ONE, pkg.DEEP, lazy.anything, leaf.LEAF, list(space.__path__), __file__,\n"
            "        __name__, __spec__.name, __cached__, sys.path, sorted(sys.path_importer_cache)]\n\n\n" + HANDLER
        ),
    }
    arguments = ("-w", "spin-http", "componentize", "-p", "src", "pkg.main", "-o", "app.wasm")
    return Case("packages of every form", {name: text.encode() for name, text in files.items()}, arguments=arguments)


def _encodings() -> Case:
    """Write sources in other encodings, with other ends of lines."""
    files = {
        "latin.py": "# -*- coding: latin-1 -*-\nTEXT = 'über'\n".encode("latin-1"),
        "korean.py": "# coding: cp949\nTEXT = '한글'\n".encode("cp949"),
        "marked.py": b"\xef\xbb\xbfTEXT = 'marked'\n",
        "windows.py": b"TEXT = '''a\r\nb'''\r\n",
        "old.py": b"TEXT = 1\rOTHER = 2\r",
        "이름.py": b"TEXT = __name__\n",
        "app.py": (
            "import korean\nimport latin\nimport marked\nimport old\nimport windows\nimport 이름\n\n\ndef answer():\n"
            "    return [m.TEXT for m in (korean, latin, marked, old, windows, 이름)]\n\n\n" + HANDLER
        ).encode(),
    }
    return Case("encodings of sources", files)


def _names() -> Case:
    """Modules of the app with names that the standard library has, and that CPython has not loaded by then."""
    files = {
        "calendar.py": "OWN = 'calendar'\n",
        "queue.py": "OWN = 'queue'\n",
        "secrets.py": "OWN = 'secrets'\n",
        "test/__init__.py": "OWN = 'test'\n",
        "app.py": (
            "import calendar\nimport queue\nimport secrets\nimport test\n\n\ndef answer():\n"
            "    return [(m.OWN, m.__file__) for m in (calendar, queue, secrets, test)]\n\n\n" + HANDLER
        ),
    }
    return Case("names of the standard library", {name: text.encode() for name, text in files.items()})


_LATE: Final = (
    "/loaded",
    "/spec",
    "/files",
    "/metadata",
    *(f"/import/{name}" for name in ("json", "wave", "spin_sdk.redis", "random", "asyncio", "nosuch", "email.message")),
    *(f"/codec/{name}" for name in ("utf-8", "cp949", "idna", "utf-16", "nosuch")),
    "/reload/app",
    "/reload/json",
    "/loaded",
)
