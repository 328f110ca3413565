"""What a folder becomes: which files are sent, and that the same files are the same source."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from blue_faas_cli.problems import BlueError
from blue_faas_cli.source import pack
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from functions.contracts.archive import checked
from functions.models.deploy import KubernetesAppName

MANIFEST = '[application]\nname = "shop"\n'


def app(folder: Path, **files: str) -> Path:
    """A folder with a spin.toml and other files; `__` in a name stands for a slash."""
    folder.mkdir(exist_ok=True)
    (folder / "spin.toml").write_text(MANIFEST)
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def names(folder: Path) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(pack(folder).content)) as archive:
        return archive.namelist()


def test_what_no_app_is_built_from_is_not_sent(tmp_path: Path) -> None:
    folder = app(tmp_path / "shop")
    for name in (".git/config", ".venv/bin/python", "node_modules/a.js", "lib/__pycache__/a.pyc", ".env", ".env.local"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("secret")
    for name in ("app.py", "lib/a.py", "blue.toml", ".blueignore"):
        (folder / name).write_text("")
    assert names(folder) == ["app.py", "lib/a.py", "spin.toml"]


def test_the_ignore_file_has_gits_patterns(tmp_path: Path) -> None:
    folder = app(tmp_path / "shop", app__py="", tests__a="", lib__b="")
    (folder / "keep.log").write_text("")
    (folder / "drop.log").write_text("")
    (folder / ".env").write_text("")
    (folder / ".blueignore").write_text("*.log\n!keep.log\n/tests/\n!.env\n")
    assert names(folder) == [".env", "app/py", "keep.log", "lib/b", "spin.toml"]


def test_the_same_files_are_the_same_source(tmp_path: Path) -> None:
    one = app(tmp_path / "one", a="1", lib__b="2")
    two = app(tmp_path / "two", lib__b="2", a="1")
    os.utime(two / "a", (1, 1))
    (two / "a").chmod(0o600)
    assert pack(one).content == pack(two).content
    (two / "a").write_text("3")
    assert pack(one).content != pack(two).content


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside.py", "app.py", "missing"])
def test_links_are_refused_wherever_they_lead(tmp_path: Path, target: str) -> None:
    folder = app(tmp_path / "shop")
    (folder / "link").symlink_to(target)
    with pytest.raises(BlueError, match="is a link, and is not sent"):
        pack(folder)
    (folder / ".blueignore").write_text("link\n")
    assert names(folder) == ["spin.toml"]


@pytest.mark.parametrize("files", [(), ("a.py", "b.py")])
def test_a_folder_that_is_no_app(tmp_path: Path, files: tuple[str, ...]) -> None:
    for name in files:
        (tmp_path / name).write_text("")
    with pytest.raises(BlueError, match=r"and no spin\.toml"):
        pack(tmp_path)


def test_a_folder_of_one_file_is_that_file(tmp_path: Path) -> None:
    folder = tmp_path / "My_App"
    folder.mkdir()
    (folder / "app.py").write_text("x = 1")
    (folder / "README.md").write_text("")
    source = pack(folder)
    assert (source.file_name, source.content, source.app_name) == ("app.py", b"x = 1", "my-app")


@pytest.mark.parametrize("name", ["app.txt", "x" * 200 + ".py"])
def test_a_file_that_no_build_takes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(BlueError, match=r"only \.py and \.zip|longer than"):
        pack(tmp_path / name)


def test_a_zip_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "app.zip").write_text("x")
    with pytest.raises(BlueError, match="not a ZIP archive"):
        pack(tmp_path / "app.zip")
    (tmp_path / "app.py").write_text("")
    with pytest.raises(BlueError, match="is empty"):
        pack(tmp_path / "app.py")


def test_files_in_korean_make_apps_of_different_names(tmp_path: Path) -> None:
    for name in ("주문", "결제"):
        (tmp_path / f"{name}.py").write_text("x")
    assert [pack(tmp_path / f"{name}.py").app_name for name in ("주문", "결제")] == ["jumun", "gyeolje"]


_PART = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="/\0"), min_size=1, max_size=20
)


@given(name=_PART)
def test_every_file_name_makes_a_name_that_an_app_may_have(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    file = tmp_path_factory.mktemp("files") / f"{name}.py"
    file.write_text("x")
    try:
        source = pack(file)
    except BlueError:
        return  # a name that no build takes
    TypeAdapter(KubernetesAppName).validate_python(source.app_name)


@given(paths=st.lists(st.lists(_PART, min_size=1, max_size=3), min_size=1, max_size=4))
def test_what_is_packed_is_an_archive_that_builds_take(
    tmp_path_factory: pytest.TempPathFactory, paths: list[list[str]]
) -> None:
    folder = app(tmp_path_factory.mktemp("files") / "shop")
    for parts in paths:
        file = folder.joinpath(*parts)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("x")
        except OSError:
            continue  # a folder of that name is there already, or it is no name here
    try:
        source = pack(folder)
    except BlueError:
        return  # two names that are one elsewhere, for example
    with checked(io.BytesIO(source.content)) as (_, entries):
        assert {entry.path for entry, _ in entries} >= {"spin.toml"}
