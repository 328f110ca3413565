"""Which entry names of a .zip become files, and which make the whole archive unacceptable.

An archive is refused whole rather than cleaned: a name that means different things to different tools (Windows,
macOS, Spin, Python) is either an attack or a mistake that would surface later as a missing file.
"""

import re
import unicodedata
from typing import Final
from zipfile import ZipInfo

MAX_PATH_BYTES: Final = 1024
MAX_PART_BYTES: Final = 255
_UTF8_FLAG: Final = 0x800  # general purpose bit 11, APPNOTE 4.4.4
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_IGNORED_PARTS: Final = frozenset({"__MACOSX", ".DS_Store"})


class UnusableArchiveError(Exception):
    """A .zip that nobody will unpack; the text says why, and what to do."""


def entry_path(info: ZipInfo) -> str | None:
    """The entry's path with ``/`` between its parts and none at its end; None for what desktop systems add.

    Raises
    ------
    UnusableArchiveError
        The name is not UTF-8, absolute, leaves the folder, or is no file name on some system.
    """
    name = _decoded(info)
    shown = ascii(name)[1:-1][:120]
    if "\x00" in name or any(unicodedata.category(character) == "Cc" for character in name):
        raise UnusableArchiveError(f"The .zip has a file name with control characters: '{shown}'. Rename the file.")
    if "\\" in name:
        raise UnusableArchiveError(f"The .zip has a file name with a backslash: '{shown}'. Paths in a .zip use '/'.")
    if name.startswith("/") or _DRIVE.match(name):
        raise UnusableArchiveError(
            f"The .zip has an absolute path: '{shown}'. Zip the folder's content with relative paths."
        )
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        raise UnusableArchiveError(f"The .zip has a path that leaves its folder: '{shown}'. Remove '..' from it.")
    if "" in parts or "." in parts:
        raise UnusableArchiveError(
            f"The .zip has a path with an empty part or '.': '{shown}'. Zip the folder's content anew."
        )
    if len(name.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        raise UnusableArchiveError(f"The .zip has a path that is too long: '{shown}…'.")
    return None if _IGNORED_PARTS.intersection(parts) else "/".join(parts)


class PathRegister:
    """Refuses two entries that are one file on a system without case or with another Unicode normal form."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, bool]] = {}

    def add(self, path: str, *, is_folder: bool) -> None:
        """Take a path and the folders above it.

        Raises
        ------
        UnusableArchiveError
            The path is taken, by the same name or by a twin of it.
        """
        parts = path.split("/")
        for depth in range(1, len(parts)):
            self._add("/".join(parts[:depth]), is_folder=True)
        self._add(path, is_folder=is_folder)

    def _add(self, path: str, *, is_folder: bool) -> None:
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
        known_path, known_is_folder = self._seen.setdefault(folded, (path, is_folder))
        if known_path != path:
            raise UnusableArchiveError(
                f"The .zip has two names for one file: '{known_path}' and '{path}'. Keep one of them."
            )
        if known_is_folder != is_folder:
            raise UnusableArchiveError(f"The .zip has '{path}' both as a file and as a folder. Keep one of them.")

    def add_file(self, path: str) -> None:
        """`add` for a file, of which there can be only one."""
        before = len(self._seen)
        self.add(path, is_folder=False)
        if len(self._seen) == before:
            raise UnusableArchiveError(f"The .zip has '{path}' twice. Keep one of them.")


def _decoded(info: ZipInfo) -> str:
    # zipfile cuts `filename` at a NUL and reads names without the UTF-8 flag as code page 437; macOS writes UTF-8
    # without the flag, so the bytes decide.
    if info.flag_bits & _UTF8_FLAG:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        shown = ascii(info.orig_filename)[1:-1][:120]
        raise UnusableArchiveError(
            f"The .zip has a file name that is not UTF-8: '{shown}'. Rename the file, or zip it with a tool that "
            "writes UTF-8 names."
        ) from None
