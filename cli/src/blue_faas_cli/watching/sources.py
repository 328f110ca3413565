"""The files whose change may change what is deployed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import watchfiles

from blue_faas_cli.config import PROJECT_FILE, Project
from blue_faas_cli.source import IGNORE_FILE, ignored_in

_QUIET_MILLISECONDS: Final = 100
"""Nothing may have changed for so long: editors write a file in several steps."""
_LONGEST_MILLISECONDS: Final = 1600
"""Changes without such a pause are handed on after this time."""
_LOOK_MILLISECONDS: Final = 500


class Sources:
    """What a project is built from: a file or folder, its ignore file, and blue.toml."""

    def __init__(self, path: Path, project: Project) -> None:
        self._path = path.resolve()
        self._is_folder = self._path.is_dir()
        self._project_file = project.folder.resolve() / PROJECT_FILE
        self._ignored = ignored_in(self._path) if self._is_folder else None

    def changes(self) -> Iterator[bool]:
        """Yield, twice a second and after each change, whether anything has changed; at first it has."""
        # Folders, not files: most editors put a new file in the place of the old one.
        folders = {self._path if self._is_folder else self._path.parent}
        if self._project_file.is_file():
            folders.add(self._project_file.parent)
        is_first = True
        for changes in watchfiles.watch(
            *folders,
            watch_filter=self.counts,
            debounce=_LONGEST_MILLISECONDS,
            step=_QUIET_MILLISECONDS,
            rust_timeout=_LOOK_MILLISECONDS,
            yield_on_timeout=True,
            recursive=self._is_folder,
            ignore_permission_denied=True,
        ):
            yield bool(changes) or is_first
            is_first = False

    def counts(self, _: Any, name: str) -> bool:
        """Whether a file is one of them."""
        file = Path(name)
        if file in (self._project_file, self._path):
            return True
        if self._ignored is None or not file.is_relative_to(self._path):
            return False
        if file == self._path / IGNORE_FILE:
            self._ignored = ignored_in(self._path)
            return True
        return not self._ignored.match_file(file.relative_to(self._path).as_posix())
