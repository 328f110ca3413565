"""What the Dockerfile cuts off libraries: they load and work as before, and what is no library stays as it is."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.builder.harness import ROOT

SCRIPT = ROOT / "builder_image" / "strip_symbols.py"
LIBRARY = "librt.base64"
"""An extension module that is published with its symbols."""


def run(folder: Path) -> None:
    subprocess.run([sys.executable, "-I", SCRIPT, folder], check=True)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    found = importlib.util.find_spec(LIBRARY)
    assert found is not None
    assert found.origin is not None
    package = tmp_path / "librt"
    shutil.copytree(Path(found.origin).parent, package)
    return package / Path(found.origin).name


def test_a_stripped_library_works(library: Path) -> None:
    whole = library.read_bytes()
    assert b".symtab" in whole
    run(library.parent)
    stripped = library.read_bytes()
    assert len(stripped) < len(whole)
    assert b".symtab" not in stripped
    program = f"import {LIBRARY} as b; print(b.__file__, b.b64encode(b'symbols').decode())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=library.parents[1], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(library), "c3ltYm9scw=="]


def test_once_is_enough(library: Path) -> None:
    run(library.parent)
    stripped = library.read_bytes()
    run(library.parent)
    assert library.read_bytes() == stripped


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x01\x01" + bytes(80), b"GROUP ( libc.so.6 )"])
def test_what_is_no_library_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "libc.so").write_bytes(content)
    run(tmp_path)
    assert (tmp_path / "libc.so").read_bytes() == content


def test_a_link_is_not_followed(tmp_path: Path, library: Path) -> None:
    whole = library.read_bytes()
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "link.so").symlink_to(library)
    run(folder)
    assert library.read_bytes() == whole
