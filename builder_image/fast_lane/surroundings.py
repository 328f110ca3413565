"""What an app is imported from: its own folders, and the site-packages with spin_sdk; and whether the lane may do that.

componentize-py looks into every folder before it links, and CPython before it starts: what they would act on is looked
for here, and left to them. Source: componentize-py v0.17.2, src/command.rs (find_site_packages) and src/prelink.rs.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from fast_lane.installation import Base, tree_digest
from fast_lane.request import DeclinedError, Request

SDK: Final = "spin_sdk"
_CONFIGURATION: Final = "componentize-py.toml"
_NATIVE: Final = ".cpython-312-wasm32-wasi.so"
_START: Final = ("sitecustomize", "usercustomize")
"""What CPython imports at its start, if it is there (library reference, module site)."""


def folders(request: Request, environment: Mapping[str, str], base: Base) -> list[Path]:
    """List the folders that become ``/0``, ``/1``, ...: the app's, then site-packages.

    Raises
    ------
    DeclinedError
        componentize-py would do something with them that the lane does not.
    """
    packages = _site_packages(environment)
    own = [Path(name) for name in request.python_path if os.path.exists(name)]  # noqa: PTH110 - as it was written
    if len(own) != 1 or not own[0].is_dir():
        raise DeclinedError("takes modules from several folders")
    if str(packages) != base.site_packages:
        if tree_digest(packages / SDK) != base.sdk:
            raise DeclinedError("uses another spin-sdk")
        _check(packages, base, leave=SDK)
    _check(own[0], base)
    return [*own, packages]


def _site_packages(environment: Mapping[str, str]) -> Path:
    if not (virtual := environment.get("VIRTUAL_ENV")):
        raise DeclinedError("uses no virtual environment")
    found = list(_named(Path(virtual) / "lib", "site-packages", depth=2))
    if len(found) != 1:
        raise DeclinedError("uses a virtual environment of another form")
    return found[0].resolve()


def _named(folder: Path, name: str, depth: int) -> Iterator[Path]:
    for entry in _entries(folder):
        if entry.is_dir():
            if entry.name == name:
                yield Path(entry.path)
            elif depth > 1:
                yield from _named(Path(entry.path), name, depth - 1)


def _check(folder: Path, base: Base, leave: str | None = None) -> None:
    """Decline what componentize-py or CPython would act on; ``leave`` is a folder that was looked at."""
    taken = {*base.loaded, *_START} - {leave}
    for entry in _entries(folder):
        if entry.name.partition(".")[0] in taken and _can_be_imported(entry):
            raise DeclinedError(f"has a module of its own named {entry.name.partition('.')[0]}")
    for entry in _below(folder, leave):
        if entry.name == _CONFIGURATION or entry.name.endswith(_NATIVE):
            raise DeclinedError(f"has a file {entry.name}")
        if entry.is_dir() and entry.is_symlink():
            raise DeclinedError("has a link to a folder")


def _below(folder: Path, leave: str | None) -> Iterator["os.DirEntry[str]"]:
    """All that lies in a folder and in its folders, each before what is in it; nothing in one named ``leave``."""
    pending = [folder]
    while pending:
        for entry in _entries(pending.pop()):
            if entry.name != leave:
                yield entry
                if entry.is_dir():
                    pending.append(Path(entry.path))


def _can_be_imported(entry: "os.DirEntry[str]") -> bool:
    return entry.is_dir() or entry.name.endswith((".py", ".pyc"))


def _entries(folder: Path) -> Iterable["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise DeclinedError(f"cannot read a folder ({error.strerror})") from None
