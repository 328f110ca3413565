"""Which spin.toml a command works on. Source: crates/common/src/paths.rs, src/directory_rels.rs."""

import os
from pathlib import Path
from typing import Final

from local.spin_cli.terminal import SpinError, info, os_reason

DEFAULT_MANIFEST: Final = "spin.toml"
_HIGHEST: Final = 19  # levels above the working directory


def find_manifest(provided: str | None) -> str:
    """Path of the manifest, in the form that later messages show it.

    Args:
        provided: value of ``--from``: a file, or a folder with a spin.toml. None searches from the working
            directory upwards, to the root of a Git repository at most, and says so on stderr when it had to climb.

    Raises:
        SpinError: there is none.
    """
    if provided is not None:
        return _provided(provided)
    if Path(DEFAULT_MANIFEST).is_file():
        return DEFAULT_MANIFEST
    here = Path.cwd()
    for distance, folder in enumerate((here, *here.parents)):
        if distance > _HIGHEST:
            break
        candidate = folder / DEFAULT_MANIFEST
        if candidate.is_file():
            _tell(distance)
            return str(candidate)
        if (folder / ".git").is_dir():
            break
    raise SpinError(f'"{DEFAULT_MANIFEST}" not found')


def parent_dir(manifest_path: str) -> str:
    """Folder of a manifest as later messages show it: ``.`` for one in the working directory."""
    return os.path.dirname(manifest_path) or "."  # noqa: PTH120  # pathlib would drop a leading "./"


def _provided(provided: str) -> str:
    path = Path(provided)
    if path.is_file():
        return provided
    if path.is_dir():
        inside = os.path.join(provided, DEFAULT_MANIFEST)  # noqa: PTH118  # see parent_dir
        if Path(inside).is_file():
            return inside
        raise SpinError(f"Directory {provided} does not contain a file named '{DEFAULT_MANIFEST}'")
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise SpinError(f"No such file or directory '{provided}'") from None
    except OSError as error:
        raise SpinError(f"Error accessing path {provided}: {os_reason(error)}") from None
    raise SpinError(f"Path {provided} is neither a file nor a directory")


def _tell(distance: int) -> None:
    names = {1: "parent directory", 2: "grandparent directory", 3: "great-grandparent directory"}
    relation = names.get(distance, f"ancestor directory {distance} levels above")
    relative = "../" * distance + DEFAULT_MANIFEST
    info(f"No '{DEFAULT_MANIFEST}' in current directory.", f"Using '{DEFAULT_MANIFEST}' from {relation} ({relative})")
