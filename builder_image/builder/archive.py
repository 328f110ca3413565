"""Unpack an uploaded .zip: nothing outside its folder, nothing but plain files, nothing beyond the limits.

Limits are enforced on the bytes that come out, not on what the headers say: headers may lie.
"""

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Final

from builder.archive_names import PathRegister, entry_path
from builder.errors import BuildError
from builder.settings import Limits

_CHUNK: Final = 256 * 1024
_ENCRYPTED: Final = 0x1 | 0x40  # general purpose bits 0 and 6, APPNOTE 4.4.4
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = 10 * 1024 * 1024

_END: Final = struct.Struct("<4s4H2LH")  # end of central directory record, APPNOTE 4.3.16
_END_SIGNATURE: Final = b"PK\x05\x06"
_LOCATOR_BYTES: Final = 20  # ZIP64 end of central directory locator, APPNOTE 4.3.15
_LOCATOR_SIGNATURE: Final = b"PK\x06\x07"
_END64: Final = struct.Struct("<4sQ2H2L4Q")  # ZIP64 end of central directory record, APPNOTE 4.3.14
_END64_SIGNATURE: Final = b"PK\x06\x06"
_MOST_COMMENT_BYTES: Final = 65_535
_DIRECTORY_BYTES_PER_ENTRY: Final = 2048


def unpack(archive: Path, folder: Path, limits: Limits) -> None:
    """Unpack ``archive`` into ``folder``, an empty folder of the builder's own.

    Raises
    ------
    BuildError
        The archive is damaged, too large, or has an entry that is not a plain file or folder inside it.
    """
    _check_directory_size(archive, limits)
    try:
        with zipfile.ZipFile(archive) as opened:
            _unpack(opened, archive.stat().st_size, folder, limits)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise BuildError(f"The .zip is damaged: {error}. Zip the folder's content again.") from None
    except (ValueError, OverflowError, RuntimeError, UnicodeError, OSError) as error:
        # What zipfile raises, beyond its own errors, for headers that make no sense.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BuildError("The .zip is damaged: its headers contradict each other.") from None


def _check_directory_size(archive: Path, limits: Limits) -> None:
    # zipfile reads the whole directory into objects before anyone can count: look at its size first.
    with archive.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _MOST_COMMENT_BYTES - _END.size - _LOCATOR_BYTES - _END64.size))
        tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise BuildError("The uploaded .zip is not a ZIP archive. Zip the app's folder again and upload that.")
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    for count, length in ((entries, directory_bytes), *_zip64_sizes(tail, at)):
        if count > limits.entries or length > limits.entries * _DIRECTORY_BYTES_PER_ENTRY:
            raise _too_many(limits)


def _zip64_sizes(tail: bytes, at: int) -> list[tuple[int, int]]:
    """Entries and bytes by the ZIP64 record that stands before the end record: where there is one, zipfile takes it."""
    locator = at - _LOCATOR_BYTES
    if locator < 0 or tail[locator : locator + 4] != _LOCATOR_SIGNATURE:
        return []
    record = locator - _END64.size
    if record < 0 or tail[record : record + 4] != _END64_SIGNATURE:
        raise BuildError(
            "The .zip is damaged: its ZIP64 records contradict each other. Zip the folder's content again."
        )
    _, _, _, _, _, _, here, entries, directory_bytes, _ = _END64.unpack_from(tail, record)
    return [(here, directory_bytes), (entries, directory_bytes)]


def _unpack(opened: zipfile.ZipFile, archive_bytes: int, folder: Path, limits: Limits) -> None:
    entries = opened.infolist()
    if len(entries) > limits.entries:
        raise _too_many(limits)
    _check_overlaps(entries)
    register = PathRegister()
    left = limits.unpacked_bytes
    for entry in entries:
        path = entry_path(entry)
        if path is None:
            continue
        _check_kind(entry, path)
        if entry.is_dir():
            register.add(path, is_folder=True)
            (folder / path).mkdir(parents=True, exist_ok=True)
            continue
        register.add_file(path)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        left -= _write(opened, entry, folder / path, min(left, limits.unpacked_file_bytes), limits)
        unpacked = limits.unpacked_bytes - left
        if unpacked > _RATIO_FROM_BYTES and unpacked > _RATIO * archive_bytes:
            raise BuildError(f"The .zip unpacks to more than {_RATIO} times its size. Leave generated data out of it.")


def _check_kind(entry: zipfile.ZipInfo, path: str) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise BuildError(f"'{path}' in the .zip is encrypted. Zip the files without a password.")
    if entry.compress_type not in _METHODS:
        raise BuildError(f"'{path}' in the .zip is compressed in a way other than Deflate. Zip the files anew.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or (kind == stat.S_IFDIR) > entry.is_dir():
        raise BuildError(f"'{path}' in the .zip is not a plain file (a link or a device). Put the file itself there.")
    if entry.is_dir() and entry.file_size:
        raise BuildError(f"'{path}/' in the .zip is a folder with content of its own. Zip the files anew.")


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    # Entries that share bytes multiply a small archive into a huge one; no tool writes such an archive.
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise BuildError("The .zip is damaged: its entries overlap. Zip the folder's content again.")
        end = entry.header_offset + 30 + entry.compress_size


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, most: int, limits: Limits) -> int:
    mode = 0o755 if (entry.external_attr >> 16) & 0o100 else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with opened.open(entry) as source, os.fdopen(os.open(target, flags, mode), "wb") as file:
        written = _copy(source, file, most, limits)
    if written != entry.file_size:
        raise BuildError("The .zip is damaged: a file is not as long as its header says. Zip the files anew.")
    return written


def _copy(source: IO[bytes], target: IO[bytes], most: int, limits: Limits) -> int:
    written = 0
    while chunk := source.read(_CHUNK):
        written += len(chunk)
        if written > most:
            raise BuildError(
                f"The .zip unpacks to more than {limits.unpacked_bytes:,} bytes, or has a file of more than "
                f"{limits.unpacked_file_bytes:,}. Leave out what the app does not need."
            )
        target.write(chunk)
    return written


def _too_many(limits: Limits) -> BuildError:
    return BuildError(f"The .zip has more than {limits.entries:,} entries. Leave out what the app does not need.")
