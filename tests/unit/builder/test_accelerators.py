"""Whether a package works without its native code, read from how packages of the index are written."""

from pathlib import Path

import pytest
from builder.packages.accelerators import is_native, missing_modules, necessary

SO = "cpython-312-x86_64-linux-gnu.so"


def _install(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


@pytest.mark.parametrize(
    ("files", "left_out"),
    [
        # MarkupSafe
        ({"p/__init__.py": "try:\n from ._fast import e\nexcept ImportError:\n from ._slow import e\n"}, "p/_fast"),
        # PyYAML: the module that needs the native one is itself imported with care
        (
            {
                "p/__init__.py": "try:\n from .cp import *\nexcept ImportError:\n pass\n",
                "p/cp.py": "from p._p import P",
            },
            "p/_p",
        ),
        # websockets: a public name, expected to be absent
        ({"p/__init__.py": "def f():\n try:\n  import p.speedups\n except ImportError:\n  pass\n"}, "p/speedups"),
        # http-router: the same module in Python
        ({"p/__init__.py": "from .router import R\n", "p/router.py": "R = 1\n"}, "p/router"),
        ({"p/__init__.py": "import contextlib\nwith contextlib.suppress(ImportError):\n import p._fast\n"}, "p/_fast"),
        ({"p/__init__.py": "import sys\nif sys.flags.dev_mode:\n import p._fast\n"}, "p/_fast"),
        ({"p/__init__.py": "def fast():\n import p._fast\n"}, "p/_fast"),
        ({"p/__init__.py": "try:\n import p._fast\nexcept:\n pass\n"}, "p/_fast"),
    ],
)
def test_only_faster(tmp_path: Path, files: dict[str, str], left_out: str) -> None:
    _install(tmp_path, files)
    assert necessary(tmp_path, {"p"}, missing_modules(tmp_path, [f"{left_out}.{SO}"])) is None


@pytest.mark.parametrize(
    ("files", "left_out", "place"),
    [
        # pydantic-core
        ({"p/__init__.py": "import sys\nfrom ._core import V\n"}, "p/_core", "p/__init__.py:2"),
        # orjson
        ({"p/__init__.py": "from .p import *\n"}, "p/p", "p/__init__.py:1"),
        # regex: two modules away
        ({"p/__init__.py": "from .a import f\n", "p/a.py": "from p import _core\n"}, "p/_core", "p/a.py:1"),
        # raised again
        ({"p/__init__.py": "try:\n from . import _c\nexcept ImportError as e:\n raise OSError from e\n"}, "p/_c", None),
        # lxml: what the package is for
        ({"p/__init__.py": ""}, "p/etree", None),
    ],
)
def test_necessary(tmp_path: Path, files: dict[str, str], left_out: str, place: str | None) -> None:
    _install(tmp_path, files)
    found = necessary(tmp_path, {"p"}, missing_modules(tmp_path, [f"{left_out}.{SO}"]))
    assert found is not None
    assert found.module == left_out.replace("/", ".")
    assert place is None or found.place == place


def test_libraries_are_no_modules(tmp_path: Path) -> None:
    assert missing_modules(tmp_path, ["p.libs/libz-1.so.1", "p/lib-x.so"]) == frozenset()


@pytest.mark.parametrize(
    ("path", "native"),
    [("a.so", True), ("a/libz.so.1.2", True), ("a.pyd", True), ("a.dylib", True), ("a.sol", False), ("so.py", False)],
)
def test_native_files(path: str, *, native: bool) -> None:
    assert is_native(path) is native


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    _install(tmp_path, {"p/__init__.py": "import p.a\n", "p/a.py": "import p.b\n", "p/b.py": "import p\nimport p.a\n"})
    assert necessary(tmp_path, {"p"}, {"p._x"}) is None
