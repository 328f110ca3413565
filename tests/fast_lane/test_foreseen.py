"""What an app is going to load, by its sources."""

import time
from pathlib import Path

import pytest
from fast_lane.foreseen import Foreseen

PACKAGE = {
    "pack/__init__.py": "",
    "pack/one.py": "",
    "pack/two.py": "",
    "pack/inner/__init__.py": "",
    "pack/inner/leaf.py": "",
}


def follow(folder: Path, files: dict[str, str], module: str = "app") -> list[str]:
    """Names of the modules that are found, in order; ``app/`` is the app's folder, the rest its packages'."""
    (folder / "app").mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / (name if name.startswith("app") else f"packages/{name}")
        path = folder / "app" / "app.py" if name == "app.py" else path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return [found.name for found in Foreseen((folder / "app", folder / "packages")).follow(module)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import pack", ["pack"]),
        ("import json, pack.one as first, pack.two  # both", ["pack", "pack.one", "pack.two"]),
        ("from pack import one", ["pack", "pack.one"]),
        ("from pack import (  # of it\n    one,\n    two as second,\n)", ["pack", "pack.one", "pack.two"]),
        ("from pack.inner import leaf, other", ["pack", "pack.inner", "pack.inner.leaf"]),
        ("from pack.inner.leaf import *", ["pack", "pack.inner", "pack.inner.leaf"]),
        ("try:\n    import pack\nexcept ImportError:\n    import pack.one", ["pack", "pack.one"]),
        ("if True:\n    x = 1\n\n    class A:\n        from pack import two", ["pack", "pack.two"]),
        ("def f():\n    import pack", []),
        ("class A:\n    def f(self):\n        if self:\n            import pack", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pack", []),
        ("import nosuch.module, pack..one, .pack, pack.", []),
        ("from .. import pack\nfrom . import pack", []),
        ("x = 1; y = 'import pack'", []),
    ],
)
def test_what_a_statement_loads(line: str, found: list[str], tmp_path: Path) -> None:
    assert follow(tmp_path, {**PACKAGE, "app.py": line}) == ["app", *found]


def test_imports_are_followed_in_the_order_of_loading(tmp_path: Path) -> None:
    files = {
        **PACKAGE,
        "app.py": "import pack.inner.leaf\nimport other",
        "pack/__init__.py": "from .two import x",
        "pack/inner/leaf.py": "from ..one import y\nfrom . import deep",
        "pack/inner/deep.py": "from ... import lost",
        "other.py": "import pack, app",
    }
    expected = ["app", "pack", "pack.two", "pack.inner", "pack.inner.leaf", "pack.one", "pack.inner.deep", "other"]
    assert follow(tmp_path, files) == expected


def test_the_apps_own_module_hides_a_packages(tmp_path: Path) -> None:
    files = {**PACKAGE, "app.py": "import pack.one", "app/pack.py": ""}
    assert follow(tmp_path, files) == ["app", "pack"]


@pytest.mark.parametrize("entry", ["'Thing': ('pack.two', 1)", '"Thing": "pack.two"', "'Thing'  :  ['pack.two']"])
def test_modules_that_a_package_loads_when_asked(entry: str, tmp_path: Path) -> None:
    files = {
        **PACKAGE,
        "app.py": "from pack import Thing, Other",
        "pack/__init__.py": "from pack.one import TABLE\ndef __getattr__(name): ...",
        "pack/one.py": f"TABLE = {{'A': ('pack.inner', 1), {entry}}}",
    }
    assert follow(tmp_path, files) == ["app", "pack", "pack.one", "pack.two"]


def test_no_source_takes_long(tmp_path: Path) -> None:
    long = {
        "app.py": "import pack.one, pack.two, pack.inner",
        "pack/one.py": "import (" * 100_000,
        "pack/two.py": "def f():\n" + "    import pack\n" * 60_000,
        "pack/inner/__init__.py": "if True:\n" + "#\n" * 400_000 + "    import pack.inner.leaf\n",
    }
    started = time.process_time()
    assert follow(tmp_path, {**PACKAGE, **long}) == ["app", "pack", "pack.one", "pack.two", "pack.inner"]
    assert time.process_time() - started < 60  # hours, if each statement were looked at with all that is before it


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    files = {**PACKAGE, "app.py": f"import pack.one, pack.two, {'x' * 300}"}
    follow(tmp_path, files)
    (tmp_path / "packages" / "pack" / "one.py").unlink()
    (tmp_path / "packages" / "pack" / "one.py").symlink_to("/dev/zero")
    (tmp_path / "packages" / "pack" / "two.py").write_bytes(b"#" * (2 << 20))
    assert follow(tmp_path, {}) == ["app", "pack"]
