"""Listings of folders: the same bytes whatever order the disk has, read in pieces of any size."""

import struct
from random import Random

from fast_lane.listings import BUFFER, Listings
from hypothesis import given
from hypothesis import strategies as st

HEAD = struct.Struct("<QQII")
NOT_A_FOLDER = 54

names = st.binary(min_size=1, max_size=255).filter(lambda name: b"\0" not in name and b"/" not in name)
folders = st.dictionaries(names.filter(b"__pycache__".__ne__), st.integers(0, 7), max_size=60)


class Disk:
    """WASI's ``fd_readdir`` over one folder, in the order of its entries."""

    def __init__(self, entries: list[tuple[bytes, int]], size: int) -> None:
        self._entries = entries
        self._size = size
        self.memory = bytearray(BUFFER * 2)

    def list_from(self, folder: int, cookie: int) -> tuple[int, bytes]:
        if folder != 3:
            return NOT_A_FOLDER, b""
        parts = [
            HEAD.pack(number, 1000 + number, len(name), kind) + name
            for number, (name, kind) in enumerate(self._entries, 1)
        ]
        return 0, b"".join(parts[cookie:])[: self._size]

    def write(self, content: bytes, address: int) -> None:
        self.memory[address : address + len(content)] = content


def read(entries: list[tuple[bytes, int]], size: int) -> list[tuple[int, bytes, int]]:
    """Inode, name and kind of each entry, as libc reads them: from the last whole entry on."""
    disk = Disk(entries, BUFFER)
    listings = Listings(disk.list_from, disk.write)
    found: list[tuple[int, bytes, int]] = []
    cookie = 0
    while True:
        assert listings.read(3, BUFFER, size, cookie, 8) == 0
        used = int.from_bytes(disk.memory[8:12], "little")
        assert used <= size
        content, position = bytes(disk.memory[BUFFER : BUFFER + used]), 0
        while position + HEAD.size <= used:
            following, inode, length, kind = HEAD.unpack_from(content, position)
            position += HEAD.size + length
            if position > used:
                break
            found.append((inode, content[position - length : position], kind))
            cookie = following
        if used < size:
            return found


@given(folders, st.randoms(), st.integers(HEAD.size + 255, 2000))
def test_the_order_is_that_of_the_names(folder: dict[bytes, int], random: Random, size: int) -> None:
    entries = list(folder.items())
    random.shuffle(entries)
    assert read(entries, size) == [(1, name, kind) for name, kind in sorted(folder.items())]


@given(folders, st.integers(0, 7))
def test_folders_of_bytecode_are_not_listed(folder: dict[bytes, int], kind: int) -> None:
    entries = list(folder.items())
    assert read([(b"__pycache__", kind), *entries], 500) == read(entries, 500)


def test_a_large_folder_is_listed_in_several_calls() -> None:
    entries = [(f"{number:0100}".encode(), 4) for number in reversed(range(2000))]
    assert [name for _, name, _ in read(entries, 4096)] == sorted(name for name, _ in entries)


def test_what_wasi_refuses_is_refused() -> None:
    disk = Disk([], BUFFER)
    assert Listings(disk.list_from, disk.write).read(4, BUFFER, 100, 0, 8) == NOT_A_FOLDER
    assert not any(disk.memory)


def test_two_folders_may_be_read_in_turn() -> None:
    lists = {3: [(b"b", 4), (b"a", 4)], 4: [(b"d", 4), (b"c", 4)]}
    memory = bytearray(200)

    def list_from(folder: int, cookie: int) -> tuple[int, bytes]:
        return Disk(lists[folder], BUFFER).list_from(3, cookie)

    def write(content: bytes, address: int) -> None:
        memory[address : address + len(content)] = content

    listings = Listings(list_from, write)
    found = []
    for cookie in (0, 1):
        for folder in (3, 4):
            listings.read(folder, 100, HEAD.size + 1, cookie, 0)
            found.append(bytes(memory[100 + HEAD.size : 101 + HEAD.size]))
    assert found == [b"a", b"c", b"b", b"d"]
