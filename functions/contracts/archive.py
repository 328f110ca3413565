"""What a .zip has to be before anybody unpacks it: judged by its directory alone, in the API and again in the builder.

Nothing of an entry's content is read here. Headers may lie, so whoever unpacks enforces the limits on what comes out,
too.
"""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from functions.contracts.archive_names import EntryName, PathRegister, UnusableArchiveError, entry_name, not_utf8

MOST_ENTRIES: Final = 10_000
"""Files and folders in a .zip."""

_DAMAGED: Final = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, struct.error)
_ENCRYPTED: Final = 0x1 | 0x40  # general purpose bits 0 and 6, APPNOTE 4.4.4
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_END: Final = struct.Struct("<4s4H2LH")  # end of central directory record, APPNOTE 4.3.16
_END_SIGNATURE: Final = b"PK\x05\x06"
_LOCATOR_BYTES: Final = 20  # ZIP64 end of central directory locator, APPNOTE 4.3.15
_LOCATOR_SIGNATURE: Final = b"PK\x06\x07"
_END64: Final = struct.Struct("<4sQ2H2L4Q")  # ZIP64 end of central directory record, APPNOTE 4.3.14
_END64_SIGNATURE: Final = b"PK\x06\x06"
_MOST_COMMENT_BYTES: Final = 65_535
_DIRECTORY_BYTES_PER_ENTRY: Final = 2048

Entries = list[tuple[EntryName, zipfile.ZipInfo]]
"""Name and entry of each file and folder, in the archive's order; without what desktop systems add."""


@contextmanager
def checked(file: IO[bytes], most_entries: int = MOST_ENTRIES) -> Iterator[tuple[zipfile.ZipFile, Entries]]:
    """Open a .zip whose entries are plain files and folders inside it, no two of them the same.

    What zipfile raises for a damaged one, here and in the block, becomes `UnusableArchiveError`.

    Raises
    ------
    UnusableArchiveError
        It is not a .zip, it is damaged, it has too many entries, or one of them is neither a plain file nor a folder
        inside it; the text names the entry.
    """
    _check_directory_size(file, most_entries)
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive, _checked_entries(archive, most_entries)
    except UnicodeDecodeError as error:
        raise not_utf8(error.object) from None  # of zipfile: a name with the UTF-8 flag
    except _DAMAGED as error:
        raise UnusableArchiveError(f"The .zip is damaged: {error}. Zip the folder's content again.") from None
    except (ValueError, OverflowError, RuntimeError, UnicodeError, OSError) as error:
        # What zipfile raises, beyond its own errors, for headers that make no sense.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UnusableArchiveError("The .zip is damaged: its headers contradict each other.") from None


def _checked_entries(archive: zipfile.ZipFile, most_entries: int) -> Entries:
    entries = archive.infolist()
    if len(entries) > most_entries:
        raise _too_many(most_entries)
    _check_overlaps(entries)
    register = PathRegister()
    kept: Entries = []
    for entry in entries:
        name = entry_name(entry)
        if name is None:
            continue
        _check_kind(entry, name)
        register.add(name)
        kept.append((name, entry))
    return kept


def _check_directory_size(file: IO[bytes], most_entries: int) -> None:
    # zipfile reads the whole directory into objects before anyone can count: look at its size first.
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST_COMMENT_BYTES - _END.size - _LOCATOR_BYTES - _END64.size))
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise UnusableArchiveError(
            "The uploaded .zip is not a ZIP archive. Zip the app's folder again and upload that."
        )
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    for count, length in ((entries, directory_bytes), *_zip64_sizes(tail, at)):
        if count > most_entries or length > most_entries * _DIRECTORY_BYTES_PER_ENTRY:
            raise _too_many(most_entries)


def _zip64_sizes(tail: bytes, at: int) -> list[tuple[int, int]]:
    """Entries and bytes by the ZIP64 record that stands before the end record: where there is one, zipfile takes it."""
    locator = at - _LOCATOR_BYTES
    if locator < 0 or tail[locator : locator + 4] != _LOCATOR_SIGNATURE:
        return []
    record = locator - _END64.size
    if record < 0 or tail[record : record + 4] != _END64_SIGNATURE:
        raise UnusableArchiveError(
            "The .zip is damaged: its ZIP64 records contradict each other. Zip the folder's content again."
        )
    _, _, _, _, _, _, here, entries, directory_bytes, _ = _END64.unpack_from(tail, record)
    return [(here, directory_bytes), (entries, directory_bytes)]


def _check_kind(entry: zipfile.ZipInfo, name: EntryName) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise UnusableArchiveError(f"'{name.shown}' in the .zip is encrypted. Zip the files without a password.")
    if entry.compress_type not in _METHODS:
        raise UnusableArchiveError(
            f"'{name.shown}' in the .zip is compressed in a way other than Deflate. Choose the method Deflate, or zip "
            "with `python -m zipfile -c app.zip FILES`."
        )
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or (kind == stat.S_IFDIR) > name.is_folder:
        raise UnusableArchiveError(
            f"'{name.shown}' in the .zip is not a plain file (a link or a device). Put the file itself there."
        )
    if name.is_folder and entry.file_size:
        raise UnusableArchiveError(
            f"'{name.shown}' in the .zip is a folder with content of its own. Zip the files anew."
        )


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    # Entries that share bytes multiply a small archive into a huge one; no tool writes such an archive.
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise UnusableArchiveError("The .zip is damaged: its entries overlap. Zip the folder's content again.")
        end = entry.header_offset + 30 + entry.compress_size


def _too_many(most_entries: int) -> UnusableArchiveError:
    return UnusableArchiveError(
        f"The .zip has more than {most_entries:,} entries. Leave out what the app does not need."
    )
