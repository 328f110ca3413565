"""What is sent for a build: one .py file, a .zip, or a folder as a .zip."""

import io
import os
import stat
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pathspec

from blue_faas_cli.problems import BlueError, Exit, usage
from functions.contracts.archive import checked
from functions.contracts.archive_names import UnusableArchiveError
from functions.contracts.names import check_file_name

IGNORE_FILE: Final = ".blueignore"
"""Beside spin.toml; its patterns are those of a .gitignore."""
MANIFEST: Final = "spin.toml"
_NEVER_SENT: Final = (
    ".git/",
    ".hg/",
    ".svn/",
    ".venv/",
    "venv/",
    "node_modules/",
    "__pycache__/",
    "*.py[cod]",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".spin/",
    ".env",
    ".env.*",
    ".DS_Store",
    IGNORE_FILE,
    "/blue.toml",
)
"""What no app is built from, and what holds secrets. `!pattern` in the ignore file takes one back."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every entry: the same files make the same archive, which is not built twice."""
_ENTRY_FILES: Final = ("app.py", "main.py", "index.py")


@dataclass(frozen=True)
class Source:
    """A source as it is sent."""

    file_name: str
    content: bytes = field(repr=False)
    files: dict[str, Path]
    """Path within the upload to the file on this machine: where a finding is shown."""
    app_name: str
    """The name of the app when nothing else gives one."""


def pack(path: Path) -> Source:
    """Read a source: a ``.py``, a ``.zip``, or a folder, which becomes a .zip unless one .py is all there is.

    Raises
    ------
    BlueError
        There is nothing of the kind at ``path``, or it is nothing that a build would take.
    """
    if not path.exists():
        raise usage(f"{path} does not exist")
    source = _folder(path) if path.is_dir() else _file(path)
    try:
        check_file_name(source.file_name)
        if source.file_name.lower().endswith(".zip"):
            with checked(io.BytesIO(source.content)):
                pass
    except (ValueError, UnusableArchiveError) as error:
        raise BlueError(f"{path}: {error}", Exit.SOURCE) from None
    if not source.content:
        raise BlueError(f"{path} is empty", Exit.SOURCE)
    return source


def _file(path: Path) -> Source:
    resolved = path.resolve()
    name = resolved.parent.name if path.name in _ENTRY_FILES else path.stem
    files = {path.name: path} if path.suffix.lower() == ".py" else {}
    return Source(path.name, path.read_bytes(), files, _as_app_name(name))


def _folder(folder: Path) -> Source:
    files = {file.relative_to(folder).as_posix(): file for file in _sent(folder)}
    if MANIFEST not in files:
        return _without_manifest(folder, files)
    name = folder.resolve().name
    try:
        name = str(tomllib.loads(files[MANIFEST].read_text("utf-8"))["application"]["name"])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BlueError(f"{files[MANIFEST]}: {error}", Exit.SOURCE) from None
    except (KeyError, TypeError):
        pass  # the builder says what a manifest has to have
    app_name = _as_app_name(name)
    return Source(f"{app_name}.zip", _zip(files), files, app_name)


def _without_manifest(folder: Path, files: dict[str, Path]) -> Source:
    modules = [name for name in files if name.endswith(".py")]
    if len(modules) == 1:
        return _file(files[modules[0]])
    found = f"{len(modules)} .py files" if modules else "no .py file"
    raise BlueError(
        f"{folder} has {found} and no {MANIFEST}. Name the one file to build, or write a {MANIFEST} as in "
        "`blue init NAME --folder`.",
        Exit.SOURCE,
    )


def _sent(folder: Path) -> list[Path]:
    """Return the files of a folder that are not ignored, ordered by name."""
    return sorted(_walk(folder, folder, ignored_in(folder)), key=lambda file: file.relative_to(folder).as_posix())


def ignored_in(folder: Path) -> pathspec.GitIgnoreSpec:
    """Return what is not sent of a folder, as its ignore file says now."""
    ignore_file = folder / IGNORE_FILE
    own = ignore_file.read_text("utf-8").splitlines() if ignore_file.is_file() else []
    return pathspec.GitIgnoreSpec.from_lines([*_NEVER_SENT, *own])


def _walk(root: Path, folder: Path, ignored: pathspec.GitIgnoreSpec) -> Iterator[Path]:
    for entry in os.scandir(folder):
        path = Path(entry.path)
        name = path.relative_to(root).as_posix()
        is_folder = entry.is_dir(follow_symlinks=False)
        if ignored.match_file(f"{name}/" if is_folder else name):
            continue
        if is_folder:
            yield from _walk(root, path, ignored)
        elif entry.is_file(follow_symlinks=False):
            yield path
        else:
            kind = "link" if entry.is_symlink() else "special file"
            raise BlueError(
                f"{path} is a {kind}, and is not sent. Put the file itself there, or name it in {IGNORE_FILE}.",
                Exit.SOURCE,
            )


def _zip(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, file.read_bytes())
    return buffer.getvalue()


def _as_app_name(text: str) -> str:
    """Return the nearest name that an app may have."""
    from functions.models.deploy import KUBERNETES_APP_NAME  # takes time that only this needs

    return KUBERNETES_APP_NAME.nearest(text) or "function"
