"""Archives made to exhaust whoever unpacks them: each ends at a limit while it is read, with little read or written."""

import resource
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from builder.errors import BuildError
from builder.settings import MIB, Limits
from builder.source.archive import unpack
from builder.source.manifest import Manifest

from tests.unit.builder.harness import Cloud, manifest, zipped

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")


def _zeros(mebibytes: int) -> bytes:
    """Deflated zeros: the same compressed block again and again, so that a gigabyte takes no time to make."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * mebibytes + b"\x03\x00"


def _local(name: bytes, data: bytes, size: int) -> bytes:
    return _LOCAL.pack(b"PK\3\4", 20, 0, 8, 0, 33, 0, len(data), size, len(name), 0) + name + data


def _central(name: bytes, packed: int, size: int, offset: int = 0, extra: bytes = b"") -> bytes:
    head = (b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, packed, size, len(name), len(extra), 0, 0, 0, 0, offset)
    return _CENTRAL.pack(*head) + name + extra


def _end(entries: int, directory: int, offset: int) -> bytes:
    return _END.pack(b"PK\5\6", 0, 0, entries, entries, directory, offset, 0)


def _end64(entries: int, directory: int, offset: int) -> bytes:
    """The ZIP64 record and its locator."""
    record = _END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, directory, offset)
    return record + _LOCATOR.pack(b"PK\6\7", 0, offset + directory, 1)


def _refused(content: bytes, tmp_path: Path, limits: Limits | None = None) -> str:
    """The refusal; fails when more than the limits allow was read into memory or written."""
    archive, folder = tmp_path / "upload.zip", tmp_path / "app"
    archive.write_bytes(content)
    folder.mkdir()
    chosen = limits or Limits()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BuildError) as refusal:
        unpack(archive, folder, chosen)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 64 * MIB
    written = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert written <= chosen.unpacked_bytes
    return str(refusal.value)


def test_42_kilobytes_that_unpack_to_gigabytes(tmp_path: Path) -> None:
    data = _zeros(20)
    local = _local(b"0", data, 20 * MIB)
    directory = b"".join(_central(b"%03d" % number, len(data), 20 * MIB) for number in range(400))
    content = local + directory + _end(400, len(directory), len(local))
    assert len(content) < 43_000
    assert "entries overlap" in _refused(content, tmp_path)


def test_one_entry_of_a_gigabyte(tmp_path: Path) -> None:
    data = _zeros(1024)
    local = _local(b"0", data, 1024 * MIB)
    directory = _central(b"0", len(data), 1024 * MIB)
    error = _refused(local + directory + _end(1, len(directory), len(local)), tmp_path)
    assert "has a file of more than 268,435,456" in error


def test_a_gigabyte_that_says_it_is_a_kilobyte(tmp_path: Path) -> None:
    data = _zeros(1024)
    local = _local(b"0", data, 1024)
    directory = _central(b"0", len(data), 1024)
    assert "damaged" in _refused(local + directory + _end(1, len(directory), len(local)), tmp_path)
    assert (tmp_path / "app" / "0").stat().st_size <= 1024


def _many(entries: int) -> bytes:
    return b"".join(_central(b"%06d" % number, 0, 0) for number in range(entries))


def test_a_hundred_thousand_entries(tmp_path: Path) -> None:
    directory = _many(100_000)
    end = _end64(100_000, len(directory), 0) + _end(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    assert "more than 10,000 entries" in _refused(directory + end, tmp_path)


def test_a_hundred_thousand_entries_that_say_they_are_one(tmp_path: Path) -> None:
    directory = _many(100_000)
    assert "more than 10,000 entries" in _refused(directory + _end(1, len(directory), 0), tmp_path)


def test_a_zip64_record_that_says_more_than_the_end_record(tmp_path: Path) -> None:
    directory = _many(100_000)
    # Whoever reads the end record alone sees one small entry; zipfile believes the ZIP64 record.
    content = directory + _end64(100_000, len(directory), 0) + _end(1, 53, 0)
    assert "more than 10,000 entries" in _refused(content, tmp_path)


@pytest.mark.parametrize(("entries", "directory"), [(2**63, 100), (1, 2**63), (2**64 - 1, 2**64 - 1)])
def test_a_zip64_record_of_impossible_size(tmp_path: Path, entries: int, directory: int) -> None:
    content = zipped({"a": "b"})
    end = content[-22:]
    assert "entries" in _refused(content[:-22] + _end64(entries, directory, 0) + end, tmp_path)


def test_a_zip64_locator_without_its_record(tmp_path: Path) -> None:
    content = zipped({"a": "b"})
    lie = bytes(_END64.size) + _LOCATOR.pack(b"PK\6\7", 0, 0, 1)
    assert "damaged" in _refused(content[:-22] + lie + content[-22:], tmp_path)


@pytest.mark.parametrize("size", [2**62, 2**64 - 1, 1])
def test_zip64_sizes_of_an_entry_that_lie(tmp_path: Path, size: int) -> None:
    data = _zeros(1)
    local = _local(b"0", data, MIB)
    extra = struct.pack("<2H2Q", 1, 16, size, len(data))
    directory = _central(b"0", 0xFFFFFFFF, 0xFFFFFFFF, extra=extra)
    assert "damaged" in _refused(local + directory + _end(1, len(directory), len(local)), tmp_path)


def test_a_zip64_archive_that_does_not_lie(tmp_path: Path) -> None:
    archive, folder = tmp_path / "upload.zip", tmp_path / "app"
    content = zipped({"spin.toml": "x"})
    directory = _END.unpack(content[-22:])
    _, _, _, _, entries, length, offset, _ = directory
    archive.write_bytes(content[:-22] + _end64(entries, length, offset) + content[-22:])
    folder.mkdir()
    unpack(archive, folder, Limits())
    assert (folder / "spin.toml").read_text() == "x"


def test_nested_archives_stay_packed(tmp_path: Path) -> None:
    inner = zipped({"zeros": bytes(MIB)})
    for _ in range(5):
        inner = zipped({f"{number}.zip": inner for number in range(10)})
    archive, folder = tmp_path / "upload.zip", tmp_path / "app"
    archive.write_bytes(inner)
    folder.mkdir()
    unpack(archive, folder, Limits())
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{number}.zip" for number in range(10))


def test_a_central_directory_that_names_another_file(tmp_path: Path) -> None:
    data = _zeros(1)
    local = _local(b"spin.toml", data, MIB)
    directory = _central(b"../../etc", len(data), MIB)
    assert "leaves its folder" in _refused(local + directory + _end(1, len(directory), len(local)), tmp_path)
    directory = _central(b"harmless!", len(data), MIB)
    (tmp_path / "app").rmdir()
    assert "damaged" in _refused(local + directory + _end(1, len(directory), len(local)), tmp_path)


def test_an_archive_in_front_of_which_something_stands(tmp_path: Path) -> None:
    content = b"#!/bin/sh\nrm -rf /\n" + zipped({"spin.toml": "x"})
    archive, folder = tmp_path / "upload.zip", tmp_path / "app"
    archive.write_bytes(content)
    folder.mkdir()
    unpack(archive, folder, Limits())
    assert [path.name for path in folder.iterdir()] == ["spin.toml"]


def test_hundreds_of_components(tmp_path: Path) -> None:
    head = 'spin_manifest_version = 2\n[application]\nname = "app"\n'
    text = head + "".join(f'[component.c{number}]\nsource = "a.wasm"\n' for number in range(500))
    (tmp_path / "spin.toml").write_text(text)
    with pytest.raises(BuildError, match=r"^spin\.toml has more than 20 components\. Split the app\.$"):
        Manifest.read(tmp_path, Limits().components)


@pytest.mark.parametrize("version", ["1", '"1"', '"2"', "3", "true", "2.0"])
def test_a_manifest_of_another_version(cloud: Cloud, version: str) -> None:
    text = manifest().replace("spin_manifest_version = 2", f"spin_manifest_version = {version}")
    cloud.submit("app.zip", zipped({"spin.toml": text}))
    result = cloud.build()
    assert result is not None
    assert result.error == "spin.toml must have spin_manifest_version = 2 (as a number, at the top)."


def test_a_whole_build_of_a_bomb_leaves_nothing_behind(cloud: Cloud) -> None:
    data = _zeros(1024)
    local = _local(b"0", data, 1024 * MIB)
    directory = _central(b"0", len(data), 1024 * MIB)
    cloud.submit("app.zip", local + directory + _end(1, len(directory), len(local)))
    result = cloud.build()  # and sees that the work folder is empty again
    assert result is not None
    assert result.outcome == "failed"
    assert cloud.calls() == []


def test_entries_written_by_a_usual_tool_above_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    assert "more than 10,000 entries" in _refused(path.read_bytes(), tmp_path)
