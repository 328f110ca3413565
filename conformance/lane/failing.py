"""Apps that cannot be imported, or that do at their import what only componentize-py may judge."""

from collections.abc import Iterator, Mapping
from typing import Final

from conformance.lane.case import Case

_APP: Final = """\
from spin_sdk.http import IncomingHandler, Request, Response


class IncomingHandler(IncomingHandler):
    def handle_request(self, request: Request) -> Response:
        return Response(200, {}, b"here")
"""
_TRACEBACK: Final = {"build": "componentize-py does not show the traceback of an exception in __init__"}

_FAILING: Final[dict[str, str]] = {
    "no module": "import nosuch",
    "no name": "from json import nosuch",
    "a module that is not in a component": "import sqlite3",
    "no TLS": "import ssl",
    "no compression": "import gzip",
    "syntax": "def x(:",
    "indentation": "def x():\npass",
    "null byte": "x = 1\0",
    "no UTF-8": "x = '\udcff'",
    "an exception with two lines": "raise ValueError('first\\nsecond')",
    "an exception in Korean": "raise RuntimeError('한글 🐍')",
    "an exception without text": "raise KeyError",
    "a chain of exceptions": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise LookupError('then') from error"
    ),
    "a group of exceptions": "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])",
    "an exception with notes": "error = ValueError('noted')\nerror.add_note('a note')\nraise error",
    "an exception whose text fails": (
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd"
    ),
    "an exception of an own class": "class Outer:\n    class Own(Exception): pass\nraise Outer.Own('x')",
    "an assertion": "assert 1 == 2, 'never'",
    "an interruption": "raise KeyboardInterrupt",
    "a generator's end": "raise StopIteration(3)",
    "output before it fails": "import sys\nprint('out')\nprint('err', file=sys.stderr)\n1 / 0",
    "another excepthook": "import sys\nsys.excepthook = lambda *_: print('hooked')\n1 / 0",
    "a warning before it fails": "import warnings\nwarnings.warn('careful')\n1 / 0",
    "a deep traceback": "def f(n):\n    1 / n or f(n - 1)\n    f(n - 1)\nf(30)",
}
_WITHOUT_APP: Final = {
    "no handler": "x = 1",
    "a handler that is no class": "IncomingHandler = 1",
    "a handler that wants arguments": "class IncomingHandler:\n    def __init__(self, a): pass",
}
_IN_INIT: Final = {
    "an exception in __init__": "1 / 0",
    "a deep exception in __init__": "self.f()\n    def f(self): import nosuch",
}
_JUDGED: Final = {
    "ends with 0": "import sys; sys.exit(0)",
    "ends with 3": "import sys; sys.exit(3)",
    "ends at once": "import os; os._exit(0)",
    "aborts": "import os; os.abort()",
    "recursion": "def f(): f()\nf()",
    "more than a gigabyte": "x = b'x' * (3 << 29)",
    "prints a lot": "print('x' * 20_000)",
    "a socket": "import socket; socket.socket()",
    "calls Spin": "from spin_sdk import key_value; key_value.open_default()",
    "sends a request": "from spin_sdk.http import send; send(Request('GET', 'http://127.0.0.1:9', {}, None))",
    "writes a file": "open('/0/made.txt', 'w').write('x')",
    "replaces argv": "import sys; sys.argv = ['x']",
    "replaces what the runtime uses": "import random; random.seed = lambda: None",
}


def cases() -> Iterator[Case]:
    """Every case."""
    for name, program in _FAILING.items():
        yield _case(name, f"{_APP}{program}\n")
    for name, program in _WITHOUT_APP.items():
        yield _case(name, f"{program}\n")
    for name, program in _IN_INIT.items():
        yield _case(name, f"class IncomingHandler:\n    def __init__(self):\n        {program}\n", _TRACEBACK)
    yield Case("no app", {"other.py": _APP.encode()}, ())
    yield Case("a folder in its place", {"app/readme.txt": b""}, ())
    yield Case(
        "a circle", {"app.py": b"import one", "one.py": b"from two import a", "two.py": b"from one import b"}, ()
    )
    yield Case("a broken neighbour", {"app.py": f"import helper\n{_APP}".encode(), "helper.py": b"a = (\n"}, ())
    for name, program in _JUDGED.items():
        yield Case(f"at import: {name}", {"app.py": f"{_APP}{program}\n".encode()}, (), way="full build")


def _case(name: str, program: str, known: Mapping[str, str] = {}) -> Case:
    return Case(f"fails: {name}", {"app.py": program.encode("utf-8", "surrogateescape")}, (), known=known)
