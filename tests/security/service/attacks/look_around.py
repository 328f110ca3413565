"""Reads whatever can be read, in search of secrets: environments, command lines, folders of the machine, addresses.

Orders come in ``orders.json`` beside this file: ``needles`` (secrets, spelled backwards, so that this upload is not
taken for a find), ``paths`` (files and folders to read), ``patterns`` (of what comes and goes), ``addresses`` (host and
port), ``seconds`` to go on for.
"""

# ruff: noqa: PTH100, PTH113, PTH118, PTH120, PTH123, PTH207, PTH208, T201

import contextlib
import glob
import json
import os
import socket
import time
from collections.abc import Iterator

MOST_BYTES = 4 * 1024 * 1024
OWN = os.path.dirname(os.path.abspath(__file__))


def files(path: str) -> Iterator[str]:
    """A file, or every file below a folder, but this upload's own."""
    if os.path.isfile(path):
        yield path
    for parent, folders, names in os.walk(path):
        if os.path.abspath(parent).startswith(OWN):
            folders.clear()
            continue
        yield from (os.path.join(parent, name) for name in names)


def read(path: str) -> bytes | None:
    """Content; None when it cannot be had. Never waits (a FIFO would)."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(descriptor, MOST_BYTES)
        finally:
            os.close(descriptor)
    return None


def connects(host: str, port: int) -> bool:
    """Whether anybody answers there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def main() -> None:
    """Look, and go on looking: what is there for a moment only is there at some time."""
    with open(os.path.join(OWN, "orders.json")) as file:
        orders = json.load(file)
    needles = [needle[::-1].encode() for needle in orders["needles"]]
    found: set[tuple[str, str]] = set()
    tried = 0
    for host, port in orders["addresses"]:
        if connects(host, port):
            print(f"REACHED {host}:{port}")
    deadline = time.monotonic() + orders["seconds"]
    while True:
        processes = [f"/proc/{pid}/{file}" for pid in os.listdir("/proc") for file in ("environ", "cmdline", "mem")]
        passing = [path for pattern in orders["patterns"] for path in glob.glob(pattern)]
        everywhere = [file for path in [*orders["paths"], *passing] for file in files(path)]
        for path in [*processes, *everywhere]:
            tried += 1
            content = read(path)
            for number, needle in enumerate(needles):
                if content is not None and needle in content:
                    found.add((path, f"needle {number}"))
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    for path, what in sorted(found):
        print(f"FOUND {what} in {path}")
    print(f"ATTACK COMPLETE: {tried} files tried")


main()
