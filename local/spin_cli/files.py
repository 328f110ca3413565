"""Which files a component takes along, and where it sees them. Source: crates/loader/src/local.rs.

The real loader copies them into a temporary folder first; here they are only listed. Two rules are stricter than the
real ones, because what is pushed here comes from strangers: nothing outside the app folder, however it is spelled, and
no link that leads out of it or to a folder in it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from builder.source.glob import is_glob

from local.spin_cli.globs import GlobError, WalkPattern, compile_exclude
from local.spin_cli.manifest import Component, Placement
from local.spin_cli.terminal import SpinError, quoted

_LEARN = (
    "\nIf you want to include a directory, use source-destination form, or a glob pattern ending in **/*."
    "\nLearn more: https://spinframework.dev/writing-apps#including-files-with-components"
)


def collect_files(app_root: Path, component: Component) -> dict[str, Path]:
    """Guest path (relative, forward slashes) to file, sorted by guest path; later mounts win over earlier ones.

    Parameters
    ----------
    app_root
        Absolute folder of the manifest.
    component
        Its ``files`` and ``exclude_files`` are read.

    Raises
    ------
    SpinError
        A mount names nothing, leads outside the app folder, or is malformed.
    """
    collector = _Collector(app_root, component.exclude_files)
    for mount in component.files:
        if isinstance(mount, Placement):
            collector.place(mount)
        else:
            collector.take(mount)
    return dict(sorted(collector.found.items()))


class _Collector:
    def __init__(self, app_root: Path, exclude_files: list[str]) -> None:
        self.found: dict[str, Path] = {}
        self._root = app_root
        self._real_root = app_root.resolve()
        self._excluded = []
        for pattern in exclude_files:
            try:
                self._excluded.append(compile_exclude(pattern))
            except GlobError as error:
                message = f"Invalid exclude_files glob pattern {quoted(pattern)}"
                raise SpinError(message) from SpinError(f"Pattern syntax error: {error}")

    def take(self, entry: str) -> None:
        """Take a path or glob pattern: files keep their path relative to the app folder."""
        for ending, what in (("..", "a parent directory path (..)"), (".", "a current directory path (.)")):
            if entry == ending or entry.endswith(f"/{ending}"):
                raise SpinError(f"A file pattern can't end in {what}{_LEARN}")
        self._check_inside(entry)
        path = self._root / entry
        if path.is_dir():
            # As the real loader does it (`copy_glob_or_path`): the folder's name comes twice in the guest's path.
            self._walk(entry, "**/*", f"{entry}/{entry}")
        elif path.exists():
            self._add(_normal(entry), path)
        elif is_glob(entry):
            self._walk("", entry, "")
        else:
            raise SpinError(f"{quoted(entry)} does not exist and doesn't appear to be a glob pattern")

    def place(self, mount: Placement) -> None:
        """Take a file or folder under another name."""
        self._check_inside(mount.source)
        destination = mount.destination.lstrip("/")
        if ".." in destination.split("/"):
            raise SpinError(f"{quoted(mount.destination)} is not a valid destination: it leads out of the guest's root")
        path = self._root / mount.source
        if path.is_dir():
            self._walk(mount.source, "**/*", destination)
        elif not path.exists():
            raise SpinError(f"File or directory {quoted(mount.source)} does not exist")
        elif not _normal(destination) or mount.destination.endswith(("/", ".")):
            raise SpinError(f'"{mount.destination}" is not a valid destination file name')
        else:
            self._add(_normal(destination), path)

    def _walk(self, folder: str, pattern: str, destination: str) -> None:
        """Add the files below ``folder`` that match ``pattern``, under ``destination``."""
        try:
            walked = WalkPattern(pattern)
        except GlobError as error:
            message = f"Failed to resolve glob pattern {quoted(pattern)}"
            raise SpinError(message) from SpinError(f"Pattern syntax error: {error}")
        for inside in _tree(self._root / folder):
            in_app = _normal(f"{folder}/{inside}")
            if walked.matches(inside) and not any(rule.fullmatch(in_app) for rule in self._excluded):
                self._add(_normal(f"{destination}/{inside}"), self._root / in_app)
            elif walked.may_match_below(inside) and (self._root / in_app).is_dir():
                raise SpinError(_link_to_folder(self._root / in_app))  # what it may hold would be left out unsaid

    def _add(self, guest_path: str, path: Path) -> None:
        real = path.resolve()
        if not real.is_relative_to(self._real_root):
            raise SpinError(
                f"{quoted(str(path))} is a symbolic link that leads outside the application directory. "
                "Files must be within the application directory."
            )
        if real.is_dir():
            raise SpinError(_link_to_folder(path))
        if real.is_file():
            self.found[guest_path] = path

    def _check_inside(self, entry: str) -> None:
        if entry.startswith("/") or ".." in entry.split("/"):
            raise SpinError(
                f"{entry} cannot be mapped because it is outside the application directory. "
                "Files must be within the application directory."
            )


def _link_to_folder(path: Path) -> str:
    return f"{quoted(str(path))} is a symbolic link to a directory; name the directory itself"


def _tree(folder: Path) -> Iterator[str]:
    """Every file and link below a folder, relative to it. Links to folders are named, not entered."""
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in files + links:
            yield str((Path(parent) / name).relative_to(folder))


def _normal(path: str) -> str:
    """Leave empty and ``.`` parts out of a relative path."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))
