"""Lambda assets without the packages that pip installed into them."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.aws.bundles import installed_files, transform_asset

NAMES = st.from_regex(r"\A[a-z]{1,8}\Z").map(lambda name: f"{name}.py")


def _names(body: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return set(archive.namelist())


def _install(folder: Path, package: str, files: list[str]) -> None:
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Name: x")
    (metadata / "REQUESTED").touch()
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    rows = [f"{name},sha256=abc,1" for name in files]
    rows += [f"{package}-1.0.dist-info/METADATA,,", "../../bin/tool,,"]
    (metadata / "RECORD").write_text("\n".join(rows) + "\n")


def test_own_code_stays_and_packages_go(tmp_path: Path) -> None:
    _install(tmp_path, "pkg", ["pkg/__init__.py", "pkg/native.so", "single.py", "a,b.py".replace(",", "_")])
    (tmp_path / "functions" / "__pycache__").mkdir(parents=True)
    (tmp_path / "functions" / "__init__.py").write_text("")
    (tmp_path / "functions" / "handler.py").write_text("print('own')")
    (tmp_path / "functions" / "__pycache__" / "handler.pyc").write_text("x")
    (tmp_path / "functions" / "data.json").write_text("{}")
    assert _names(transform_asset(tmp_path)) == {
        "functions/__init__.py",
        "functions/handler.py",
        "functions/data.json",
    }


def test_own_files_beside_an_installed_namespace_package_stay(tmp_path: Path) -> None:
    _install(tmp_path, "pkg", ["shared/theirs.py"])
    (tmp_path / "shared" / "ours.py").write_text("x")
    assert _names(transform_asset(tmp_path)) == {"shared/ours.py"}


def test_equal_files_make_equal_archives(tmp_path: Path) -> None:
    bodies = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("b.py", "a.py") if name == "one" else ("a.py", "b.py"):
            (folder / file).write_text(file)
        bodies.append(transform_asset(folder))
    assert bodies[0] == bodies[1]


@settings(max_examples=25, deadline=None)
@given(own=st.sets(NAMES, max_size=5), theirs=st.sets(NAMES, max_size=5))
def test_exactly_what_is_recorded_is_left_out(
    own: set[str], theirs: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("asset")
    _install(folder, "pkg", sorted(theirs))
    for name in own:
        (folder / name).write_text("x")
    assert {path.name for path in installed_files(folder)} >= theirs
    assert _names(transform_asset(folder)) == own - theirs
