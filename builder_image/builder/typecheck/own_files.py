"""Which of an app's Python files are its own, and which it ships of others': what installers say, not what names do."""

import csv
import posixpath
from pathlib import Path, PurePosixPath
from typing import Final

from builder.source.safe_paths import walk

_RECORD: Final = ".dist-info/RECORD"
_MOST_RECORD_BYTES: Final = 4 * 1024 * 1024
_INSTALLED_FOLDERS: Final = frozenset({"site-packages", "dist-packages", "node_modules", "__pypackages__"})


class OwnFiles:
    """The Python files of an app's folder, by path; links are none of them."""

    def __init__(self, folder: Path) -> None:
        self.paths: list[str] = []
        """Sources, stubs and what marks typed packages."""
        self._installed: set[str] = set()
        self._environments: set[str] = set()
        for path, entry in walk(folder):
            if not entry.is_file(follow_symlinks=False):
                continue
            if path.endswith(_RECORD):
                self._installed |= _recorded(Path(entry.path), posixpath.dirname(posixpath.dirname(path)))
            elif entry.name == "pyvenv.cfg":
                self._environments.add(posixpath.dirname(path))
            elif entry.name.endswith((".py", ".pyi")) or entry.name == "py.typed":
                self.paths.append(path)

    def is_own(self, path: str) -> bool:
        """Whether nobody says that an installer put the file there."""
        if path in self._installed:
            return False
        above = [str(parent) for parent in PurePosixPath(path).parents if parent.name]
        return self._environments.isdisjoint(above) and not any(
            PurePosixPath(folder).name in _INSTALLED_FOLDERS or PurePosixPath(folder).name.startswith(".")
            for folder in above
        )


def _recorded(record: Path, folder: str) -> set[str]:
    """Files of one installed package: paths relative to the folder that it was installed in.

    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    with record.open("rb") as file:
        text = file.read(_MOST_RECORD_BYTES).decode("utf-8", "replace")
    try:
        rows = [row[0] for row in csv.reader(text.splitlines()) if row]
    except csv.Error:
        return set()
    return {posixpath.normpath(posixpath.join(folder, row)) for row in rows}
