"""Unpacking: what an archive may hold, and each limit from both sides."""

import contextlib
import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.settings import Limits
from builder.source.archive import unpack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.builder.harness import zipped

LIMITS = Limits(unpacked_bytes=1000, unpacked_file_bytes=600, entries=5)


def _unpack(content: bytes, tmp_path: Path, limits: Limits = LIMITS) -> dict[str, bytes]:
    archive, folder = tmp_path / "upload.zip", tmp_path / "app"
    archive.write_bytes(content)
    folder.mkdir()
    unpack(archive, folder, limits)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _entry(name: str, *, mode: int = 0, flags: int | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.filename = info.orig_filename = name
        info.external_attr = mode << 16
        info.compress_type = method
        archive.writestr(info, b"content")
    content = bytearray(buffer.getvalue())
    if flags is not None:
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            struct.pack_into("<H", content, content.index(signature) + offset, flags)
    return bytes(content)


def test_files_folders_and_nested_archives_are_data(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "spin.toml": "a",
        "한글/파일.py": "b",
        "inner.zip": zipped({"x": "y"}),
        "empty/": "",
    }
    assert set(_unpack(zipped(files), tmp_path)) == {"spin.toml", "한글/파일.py", "inner.zip"}
    assert (tmp_path / "app" / "empty").is_dir()


def test_what_desktop_systems_add_is_left_out(tmp_path: Path) -> None:
    files = {"__MACOSX/._app.py": "x", ".DS_Store": "x", "sub/.DS_Store": "x", "app.py": "y"}
    assert _unpack(zipped(files), tmp_path) == {"app.py": b"y"}


def test_names_without_the_utf8_flag_that_are_utf8(tmp_path: Path) -> None:
    content = _entry("가.py", flags=0)
    assert set(_unpack(content, tmp_path)) == {"가.py"}


def test_programs_stay_executable_and_nothing_else_of_the_mode(tmp_path: Path) -> None:
    _unpack(_entry("build.sh", mode=stat.S_IFREG | 0o6777), tmp_path)
    assert stat.S_IMODE((tmp_path / "app" / "build.sh").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "name",
    [
        "../a",
        "a/../../b",
        "a/..",
        "/etc/passwd",
        "//a",
        "C:/a",
        "c:a",
        "..\\a",
        "a\x00b",
        "a\nb",
        "a\x1bb",
        "x" * 256,
        "/".join(["x" * 200] * 6),
        "/".join("x" * 33),
    ],
)
def test_a_name_that_is_no_plain_relative_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildError, match=r"^The \.zip has "):
        _unpack(_entry(name), tmp_path)
    assert list((tmp_path / "app").iterdir()) == []


def test_names_as_tools_write_them(tmp_path: Path) -> None:
    cp949 = _entry("AA.py").replace(b"AA.py", "가.py".encode("cp949"))
    assert set(_unpack(cp949, tmp_path)) == {"가.py"}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_an_entry_that_is_no_plain_file(tmp_path: Path, kind: int) -> None:
    with pytest.raises(BuildError, match="not a plain file"):
        _unpack(_entry("a", mode=kind | 0o644), tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("app.py", "App.py"),
        ("Lib/a", "lib/b"),
        ("caf\u00e9", "cafe\u0301"),
        ("straße", "STRASSE"),
        ("a", "a/b"),
        ("a/b", "a"),
    ],
)
def test_two_names_for_one_file(tmp_path: Path, names: tuple[str, str]) -> None:
    with pytest.raises(BuildError, match=r"two names for one file|both as a file and as a folder"):
        _unpack(zipped(dict.fromkeys(names, "x")), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("a", "2")
    with pytest.raises(BuildError, match="'a' twice"):
        _unpack(buffer.getvalue(), tmp_path)


def test_encrypted(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="encrypted"):
        _unpack(_entry("a", flags=1), tmp_path)


def test_compressed_in_an_unusual_way(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="other than Deflate"):
        _unpack(_entry("a", method=zipfile.ZIP_LZMA), tmp_path)


@pytest.mark.parametrize(("files", "fits"), [(5, True), (6, False)])
def test_entries(tmp_path: Path, files: int, *, fits: bool) -> None:
    content = zipped({str(number): "x" for number in range(files)})
    if fits:
        assert len(_unpack(content, tmp_path)) == files
    else:
        with pytest.raises(BuildError, match="more than 5 entries"):
            _unpack(content, tmp_path)


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [((600,), True), ((601,), False), ((600, 400), True), ((600, 401), False)],
)
def test_sizes(tmp_path: Path, sizes: tuple[int, ...], *, fits: bool) -> None:
    content = zipped({str(number): b"x" * size for number, size in enumerate(sizes)})
    if fits:
        assert sum(map(len, _unpack(content, tmp_path).values())) == sum(sizes)
    else:
        with pytest.raises(BuildError, match="unpacks to more than"):
            _unpack(content, tmp_path)


def test_a_bomb(tmp_path: Path) -> None:
    content = zipped({"zeros": bytes(20_000_000)})
    with pytest.raises(BuildError, match="200 times its size"):
        _unpack(content, tmp_path, Limits())


def test_a_header_that_lies_about_the_size(tmp_path: Path) -> None:
    content = bytearray(zipped({"a": b"x" * 900}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", content, content.index(signature) + offset, 5)
    with pytest.raises(BuildError, match="damaged"):
        _unpack(bytes(content), tmp_path)


def test_entries_that_share_bytes(tmp_path: Path) -> None:
    content = bytearray(zipped({"a": b"x" * 100, "b": b"x" * 100}))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    struct.pack_into("<L", content, second + 42, 0)
    with pytest.raises(BuildError, match="entries overlap"):
        _unpack(bytes(content), tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x05\x06", b"PK\x05\x06" + bytes(18)[:17]])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BuildError, match="not a ZIP archive"):
        _unpack(content, tmp_path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_stays_inside(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(zipped({"spin.toml": "text", "a/b.py": "print()" * 9}))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    outer = tmp_path_factory.mktemp("case")
    with contextlib.suppress(BuildError):
        _unpack(bytes(content), outer)
    assert {path.name for path in outer.iterdir()} == {"upload.zip", "app"}


@settings(max_examples=60, deadline=None)
@given(name=st.text(min_size=1, max_size=30))
def test_any_name_is_refused_or_stays_inside(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    outer = tmp_path_factory.mktemp("case")
    try:
        content = _entry(name)
    except UnicodeEncodeError:
        return  # a lone surrogate: no archive can hold it
    with contextlib.suppress(BuildError):
        _unpack(content, outer)
    assert {path.name for path in outer.iterdir()} == {"upload.zip", "app"}
