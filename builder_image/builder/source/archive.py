"""Unpack an uploaded .zip: nothing outside its folder, nothing but plain files, nothing beyond the limits.

Limits are enforced on the bytes that come out, not on what the headers say: headers may lie.
"""

import os
import zipfile
from pathlib import Path
from typing import IO, Final

from builder.errors import BuildError
from builder.settings import Limits
from functions.contracts.archive import Entries, checked
from functions.contracts.archive_names import UnusableArchiveError

_CHUNK: Final = 256 * 1024
_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = 10 * 1024 * 1024


def unpack(archive: Path, folder: Path, limits: Limits) -> None:
    """Unpack ``archive`` into ``folder``, an empty folder of the builder's own.

    Raises
    ------
    BuildError
        The archive is damaged, too large, or has an entry that is not a plain file or folder inside it.
    """
    try:
        with archive.open("rb") as file, checked(file, limits.entries) as (opened, entries):
            _unpack(opened, entries, archive.stat().st_size, folder, limits)
    except UnusableArchiveError as error:
        raise BuildError(str(error)) from None


def _unpack(opened: zipfile.ZipFile, entries: Entries, archive_bytes: int, folder: Path, limits: Limits) -> None:
    left = limits.unpacked_bytes
    for name, entry in entries:
        path = folder / name.path
        if name.is_folder:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        left -= _write(opened, entry, path, min(left, limits.unpacked_file_bytes), limits)
        unpacked = limits.unpacked_bytes - left
        if unpacked > _RATIO_FROM_BYTES and unpacked > _RATIO * archive_bytes:
            raise BuildError(f"The .zip unpacks to more than {_RATIO} times its size. Leave generated data out of it.")


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
