"""What a folder holds, in one order on every machine: that of the names.

A file system lists a folder in an order of its own, and CPython keeps what it has listed: the same source would give
other bytes on another disk. The listings come from wasmtime's WASI, which writes into the memory of the module that
calls it: a small module with a memory of its own does that here.

Folders of bytecode are not listed. Whether there is one depends on who has run Python there before, and an import does
not look for them in a listing.

Layout of an entry (WASI preview 1, witx/typenames.witx): cookie 8 bytes, inode 8, length of the name 4, kind 4, name.
"""

import struct
from collections.abc import Callable
from typing import Final

_HEAD: Final = struct.Struct("<QQII")
_INODE: Final = 1
"""Of every entry: inodes are the disk's too."""
_BYTECODE: Final = b"__pycache__"

BUFFER: Final = 65536
"""Address and size of what lister.wat lists into."""


class Listings:
    """The ``fd_readdir`` of one run.

    Parameters
    ----------
    list_from
        Calls lister.wat: answers WASI's error number, and the entries' bytes as WASI wrote them.
    write
        Puts bytes at an address in the app's memory, or raises.
    """

    def __init__(self, list_from: Callable[[int, int], tuple[int, bytes]], write: Callable[[bytes, int], None]) -> None:
        self._list_from = list_from
        self._write = write
        self._folder: int | None = None
        self._entries: list[tuple[bytes, int]] = []

    def read(self, folder: int, address: int, size: int, cookie: int, used: int) -> int:
        """List a folder from the entry that ``cookie`` counts, as many bytes as fit, and say how many: WASI's call."""
        size, cookie = size & 0xFFFFFFFF, cookie & 0xFFFFFFFF_FFFFFFFF
        if cookie == 0 or folder != self._folder:
            error = self._take(folder)
            if error:
                return error
        content = bytearray()
        for number, (name, kind) in enumerate(self._entries[cookie:], cookie + 1):
            if len(content) >= size:
                break
            content += _HEAD.pack(number, _INODE, len(name), kind) + name
        fitting = bytes(content[:size])
        self._write(fitting, address & 0xFFFFFFFF)
        self._write(len(fitting).to_bytes(4, "little"), used & 0xFFFFFFFF)
        return 0

    def _take(self, folder: int) -> int:
        entries: list[tuple[bytes, int]] = []
        cookie = 0
        while True:
            error, content = self._list_from(folder, cookie)
            if error:
                return error
            position = 0
            while position + _HEAD.size <= len(content):
                following, _, length, kind = _HEAD.unpack_from(content, position)
                position += _HEAD.size
                if position + length > len(content):
                    break
                name = content[position : position + length]
                if name != _BYTECODE:
                    entries.append((name, kind))
                position += length
                cookie = following
            if len(content) < BUFFER:
                break
        self._entries, self._folder = sorted(entries), folder
        return 0
