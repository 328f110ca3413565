"""Archives that no honest tool writes: made by hand, field by field (APPNOTE.TXT 6.3.10, the .ZIP file format)."""

import io
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.client import spin_toml

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_VERSION_MADE_BY_UNIX = (3 << 8) | 20
_UTF8 = 0x800
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Entry:
    """One entry as its headers tell it; ``data`` are the bytes as they lie in the archive."""

    name: bytes
    data: bytes = b"content"
    method: int = zipfile.ZIP_STORED
    flags: int = _UTF8
    mode: int = stat.S_IFREG | 0o644
    size: int | None = None
    """Unpacked size that the headers claim; None for the truth of a stored entry."""
    extra: bytes = b""
    checksum: int | None = None

    @property
    def _claimed(self) -> tuple[int, int, int]:
        size = len(self.data) if self.size is None else self.size
        checksum = zlib.crc32(self.data) if self.checksum is None else self.checksum
        return checksum, len(self.data), size

    def local(self) -> bytes:
        """Local file header and data."""
        head = _LOCAL.pack(
            b"PK\x03\x04", 20, self.flags, self.method, 0, 33, *self._claimed, len(self.name), len(self.extra)
        )
        return head + self.name + self.extra + self.data

    def central(self, offset: int) -> bytes:
        """Entry of the central directory, for data at ``offset``."""
        head = _CENTRAL.pack(
            *(b"PK\x01\x02", _VERSION_MADE_BY_UNIX, 20, self.flags, self.method, 0, 33, *self._claimed),
            *(len(self.name), len(self.extra), 0, 0, 0, self.mode << 16, offset),
        )
        return head + self.name + self.extra


def archive(*entries: Entry) -> bytes:
    """An archive of these entries, behind a spin.toml that is in order."""
    return bare(Entry(b"spin.toml", spin_toml(None)), *entries)


def bare(*entries: Entry) -> bytes:
    """An archive of just these entries."""
    body, directory = b"", b""
    for entry in entries:
        directory += entry.central(len(body))
        body += entry.local()
    return body + directory + _end(len(entries), len(directory), len(body))


def _end(entries: int, directory_bytes: int, offset: int) -> bytes:
    return _END.pack(b"PK\x05\x06", 0, 0, entries, entries, directory_bytes, offset, 0)


def named(name: str | bytes, *, mode: int = stat.S_IFREG | 0o644, flags: int = _UTF8) -> bytes:
    """An archive with one entry of this name."""
    return archive(Entry(name if isinstance(name, bytes) else name.encode(), mode=mode, flags=flags))


def names(*each: str) -> bytes:
    """An archive with an entry for each name."""
    return archive(*(Entry(name.encode(), b"%d" % number) for number, name in enumerate(each)))


def link(target: str) -> bytes:
    """The component is a symbolic link."""
    return archive(Entry(b"app.wasm", target.encode(), mode=stat.S_IFLNK | 0o777))


def encrypted() -> bytes:
    """An entry with a password."""
    return archive(Entry(b"app.wasm", flags=_UTF8 | _ENCRYPTED))


def zeros(megabytes: int) -> bytes:
    """A Deflate stream of so many zeros, a thousandth of their size, made without compressing them all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + block * (megabytes - 1) + packer.flush(zlib.Z_FINISH)


def one_huge_entry(megabytes: int = 1024) -> bytes:
    """One entry of 1 GB (or so); its headers say so."""
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(bytes(1 << 20), checksum)
    return archive(Entry(b"huge", zeros(megabytes), zipfile.ZIP_DEFLATED, size=megabytes << 20, checksum=checksum))


def huge_entry_that_claims_to_be_small() -> bytes:
    """One entry of 1 GB; its headers say ten bytes."""
    return archive(Entry(b"huge", zeros(1024), zipfile.ZIP_DEFLATED, size=10))


def bomb() -> bytes:
    """About 42 kB: two hundred entries share the same data, 36 MB each when unpacked: 7 GB."""
    kernel = Entry(b"huge", zeros(36), zipfile.ZIP_DEFLATED, size=36 << 20)
    first = Entry(b"spin.toml", spin_toml(None))
    at = len(first.local())
    directory = first.central(0) + kernel.central(at) * 100
    body = first.local() + kernel.local()
    return body + directory + _end(101, len(directory), len(body))


def many_entries(count: int) -> bytes:
    """So many empty files beside spin.toml, as zipfile writes them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", allowZip64=True) as opened:
        opened.writestr("spin.toml", spin_toml(None))
        for number in range(count):
            opened.writestr(zipfile.ZipInfo(f"{number:x}"), b"")
    return buffer.getvalue()


def directory_without_files(count: int) -> bytes:
    """A central directory of so many entries, all of them for the same file; the end record claims three."""
    first = Entry(b"spin.toml", spin_toml(None))
    directory = first.central(0) + Entry(b"").central(0) * count
    return first.local() + directory + _end(3, len(directory), len(first.local()))


def zip64(
    *,
    size: int | None = None,
    entries: int | None = None,
    directory_bytes: int | None = None,
    offset: int | None = None,
) -> bytes:
    """A ZIP64 archive whose 64-bit fields lie: unpacked size, number of entries, where the directory is, how long.

    The 32-bit end record tells the truth.
    """
    extra = struct.pack("<2HQ", 1, 8, size) if size is not None else b""
    told = Entry(b"app.wasm", size=0xFFFFFFFF if size is not None else None, extra=extra)
    body, directory = b"", b""
    for entry in (Entry(b"spin.toml", spin_toml(None)), told):
        directory += entry.central(len(body))
        body += entry.local()
    at = len(body) if offset is None else offset
    count = 2 if entries is None else entries
    length = len(directory) if directory_bytes is None else directory_bytes
    end64 = _END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, at)
    locator = _LOCATOR64.pack(b"PK\x06\x07", 0, len(body) + len(directory), 1)
    return body + directory + end64 + locator + _end(2, len(directory), len(body))


def twice(name: str) -> bytes:
    """One name, two files."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as opened:
        warnings.simplefilter("ignore")
        opened.writestr("spin.toml", spin_toml(None))
        for content in (b"one", b"two"):
            opened.writestr(name, content)
    return buffer.getvalue()


def nested(levels: int, leaf: bytes, others: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """A .zip in a .zip in a .zip …, beside ``others``."""
    content, name = leaf, "leaf"
    for level in range(levels):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
            opened.writestr(name, content)
            for other, data in others if level == levels - 1 else ():
                opened.writestr(other, data)
        content, name = buffer.getvalue(), "inner.zip"
    return content
