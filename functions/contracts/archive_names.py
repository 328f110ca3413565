"""Which entry names of a .zip become files, and which make the whole archive unacceptable.

Tools write one name in several ways: backslashes (Windows PowerShell 5), ``./`` (bsdtar), the code page of the machine
(Korean Windows), decomposed Unicode (macOS). Each of those is taken as the one path that it means. A name that leaves
the folder, or that is a file to one tool and none to another, makes the whole archive unacceptable: it is an attack, or
a mistake that would surface later as a missing file.
"""

import re
import struct
import unicodedata
import zlib
from dataclasses import dataclass
from typing import Final
from zipfile import ZipInfo

MAX_PATH_BYTES: Final = 1024
MAX_PART_BYTES: Final = 255
MAX_DEPTH: Final = 32
"""Parts of a path. Apps have a dozen; the cost of judging a path grows with it."""

_MOST_DECOMPOSED: Final = 3
"""How many bytes one byte of a name can become in NFD: the three letters of a Hangul syllable, say."""
_UTF8_FLAG: Final = 0x800  # general purpose bit 11, APPNOTE 4.4.4
_UNICODE_PATH: Final = 0x7075  # Info-ZIP Unicode Path extra field, APPNOTE 4.6.9
_EXTRA_HEADER: Final = struct.Struct("<HH")
_UNICODE_PATH_HEADER: Final = struct.Struct("<BL")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_IGNORED_PARTS: Final = frozenset({"__MACOSX", ".DS_Store"})
_APPLE_DOUBLE: Final = "._"
"""Begins the name of the file in which macOS keeps another file's attributes on disks that cannot hold them."""
_SHOWN_CHARACTERS: Final = 120
_UTF8_TOOLS: Final = "PowerShell's Compress-Archive and `python -m zipfile -c app.zip FILES` write names in UTF-8."


class UnusableArchiveError(Exception):
    """A .zip that nobody will unpack; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class EntryName:
    """Where an entry belongs: ``path`` is relative, in NFC, with ``/`` between its parts and none at its end."""

    path: str
    is_folder: bool
    written: str
    """The name as the archive has it."""

    @property
    def shown(self) -> str:
        """The name for its owner to read."""
        return shown_name(self.written)


def entry_name(info: ZipInfo) -> EntryName | None:
    """Return the name of an entry; None for the root itself and for files that desktop systems add.

    Raises
    ------
    UnusableArchiveError
        The name is in no known encoding, absolute, leaves the folder, or is no file name on some system.
    """
    written = _decoded(info)
    if _CONTROL.search(written):
        raise UnusableArchiveError(
            f"The .zip has a file name with control characters: '{shown_name(written)}'. Rename the file."
        )
    name = written.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    # "/" alone is how some tools name the folder that they zipped.
    if (name.startswith("/") and name != "/") or (parts and _DRIVE.match(parts[0])):
        raise UnusableArchiveError(
            f"The .zip has an absolute path: '{shown_name(written)}'. Zip the folder's content with relative paths: "
            "`python -m zipfile -c app.zip FILES` does, in that folder."
        )
    if ".." in parts:
        raise UnusableArchiveError(
            f"The .zip has a path that leaves its folder: '{shown_name(written)}'. Remove '..' from it."
        )
    parts = _composed(parts, written)
    is_folder = name.endswith("/")
    if not parts or _IGNORED_PARTS.intersection(parts) or parts[-1].startswith(_APPLE_DOUBLE):
        return None
    return EntryName("/".join(parts), is_folder, written)


def shown_name(name: str) -> str:
    """Return a name in a printable form, on one line, in which a person can recognize it."""
    text = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in name)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def not_utf8(name: bytes) -> UnusableArchiveError:
    """Return the error for a name that is not UTF-8 as it claims, or in none of the encodings that are tried."""
    text = _as_cp949(name)
    shown = shown_name(text if text is not None else name.decode("ascii", "backslashreplace"))
    return UnusableArchiveError(
        f"The .zip has a file name that is not UTF-8: '{shown}'. Rename the file, or zip with another tool: "
        f"{_UTF8_TOOLS}"
    )


@dataclass(frozen=True, slots=True)
class _Node:
    number: int
    entry: EntryName
    """The first entry that is, or lies in, this file or folder."""
    is_folder: bool


class PathRegister:
    """Refuses two entries that are one file on a system without case or with another Unicode normal form.

    Each part of a path is folded once for each folder that it is in, so the work grows with the length of the names.
    """

    def __init__(self) -> None:
        self._by_written: dict[tuple[int, str], _Node] = {}
        self._by_folded: dict[tuple[int, str], _Node] = {}

    def add(self, entry: EntryName) -> None:
        """Take an entry and the folders above it.

        Raises
        ------
        UnusableArchiveError
            The path is taken: by a file of the same name, or by a twin of the name.
        """
        *folders, last = entry.path.split("/")
        parent = 0
        for part in folders:
            parent = self._node(parent, part, entry, is_folder=True).number
        node = self._node(parent, last, entry, is_folder=entry.is_folder)
        if node.entry is not entry and not entry.is_folder:
            raise _twins(node.entry, entry)

    def _node(self, parent: int, part: str, entry: EntryName, *, is_folder: bool) -> _Node:
        """Return the entry named ``part`` in the folder ``parent``; add ``entry`` if there is none."""
        node = self._by_written.get((parent, part))
        if node is None:
            node = _Node(len(self._by_written) + 1, entry, is_folder)
            twin = self._by_folded.setdefault((parent, unicodedata.normalize("NFC", part.casefold())), node)
            if twin is not node:
                raise _twins(twin.entry, entry)
            self._by_written[parent, part] = node
        if node.is_folder != is_folder:
            raise UnusableArchiveError(
                f"The .zip has '{node.entry.shown}' and '{entry.shown}': one name both as a file and as a folder. Keep "
                "one of them."
            )
        return node


def _twins(first: EntryName, second: EntryName) -> UnusableArchiveError:
    if first.written == second.written:
        return UnusableArchiveError(f"The .zip has '{first.shown}' twice. Keep one of them.")
    return UnusableArchiveError(
        f"The .zip has two names for one file: '{first.shown}' and '{second.shown}'. They differ only in the case of "
        "letters, or in how the same is written (NFC and NFD, './', backslashes), and many systems take them for one. "
        "Keep one of them."
    )


def _composed(parts: list[str], written: str) -> list[str]:
    """Return the parts in NFC, after a check of their number and length."""
    if len(parts) > MAX_DEPTH:
        raise UnusableArchiveError(
            f"The .zip has a path of more than {MAX_DEPTH} parts: '{shown_name(written)}'. Move the file up."
        )
    # Before anything is composed: that takes the square of a part's length.
    _check_sizes(parts, _MOST_DECOMPOSED, written)
    composed = [unicodedata.normalize("NFC", part) for part in parts]
    _check_sizes(composed, 1, written)
    return composed


def _check_sizes(parts: list[str], factor: int, written: str) -> None:
    sizes = [len(part.encode()) for part in parts]
    if sum(sizes) + len(sizes) > MAX_PATH_BYTES * factor or any(size > MAX_PART_BYTES * factor for size in sizes):
        raise UnusableArchiveError(
            f"The .zip has a path that is too long: '{shown_name(written)}'. Paths may have {MAX_PATH_BYTES:,} bytes, "
            f"and their parts {MAX_PART_BYTES}, in UTF-8. Shorten it."
        )


def _decoded(info: ZipInfo) -> str:
    """Decode a name as the program that wrote it encoded it.

    zipfile cuts ``filename`` at a NUL, and reads names without the UTF-8 flag as code page 437, whatever they are.
    """
    if info.flag_bits & _UTF8_FLAG:
        return info.orig_filename
    name = info.orig_filename.encode("cp437")
    if (unicode_path := _unicode_path(info.extra, name)) is not None:
        return unicode_path
    try:
        return name.decode("utf-8")  # macOS and Info-ZIP on Linux: UTF-8 without the flag
    except UnicodeDecodeError:
        pass
    text = _as_cp949(name)  # Explorer of a Korean Windows
    if text is None:
        raise not_utf8(name)
    return text


def _as_cp949(name: bytes) -> str | None:
    try:
        return name.decode("cp949")
    except UnicodeDecodeError:
        return None


def _unicode_path(extra: bytes, name: bytes) -> str | None:
    """Return the UTF-8 name that Bandizip, 7-Zip and Info-ZIP store beside a name in the machine's code page.

    It counts only while it belongs to the name beside it: tools that do not know the field rename without it.
    """
    at = 0
    while at + _EXTRA_HEADER.size <= len(extra):
        kind, length = _EXTRA_HEADER.unpack_from(extra, at)
        content = extra[at + _EXTRA_HEADER.size : at + _EXTRA_HEADER.size + length]
        if kind == _UNICODE_PATH and len(content) > _UNICODE_PATH_HEADER.size:
            version, checksum = _UNICODE_PATH_HEADER.unpack_from(content)
            if version == 1 and checksum == zlib.crc32(name):
                try:
                    return content[_UNICODE_PATH_HEADER.size :].decode("utf-8")
                except UnicodeDecodeError:
                    return None
        at += _EXTRA_HEADER.size + length
    return None
