"""What makes two builds the same: the uploader's files and the tools, not the output.

componentize-py writes different bytes on every run, so the image tag comes from what went in.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from builder.source.safe_paths import walk
from functions.contracts.digests import digest_of_parts

_TAG_DIGITS: Final = 16


def image_tag(workspace_id: str, folder: Path, versions: Mapping[str, str], packages: Sequence[str] = ()) -> str:
    """The first 16 hex digits of a SHA-256 over workspace, files (path, executable or not, content), tools, packages.

    ``packages`` are those installed for the app, each with version and digest: the app may have left both open.
    """
    return digest_of_parts(_parts(workspace_id, folder, versions, packages)).hex()[:_TAG_DIGITS]


def _parts(workspace_id: str, folder: Path, versions: Mapping[str, str], packages: Sequence[str]) -> Iterator[bytes]:
    """A label and a content, in turns."""
    yield from (b"workspace", workspace_id.encode())
    for tool, version in sorted(versions.items()):
        yield from (f"tool {tool}".encode(), version.encode())
    for package in sorted(packages):
        yield from (b"package", package.encode())
    for path, entry in sorted(walk(folder), key=lambda found: found[0]):
        kind = "program" if entry.stat(follow_symlinks=False).st_mode & 0o100 else "file"
        yield f"{kind} {path}".encode("utf-8", "surrogateescape")
        yield Path(entry.path).read_bytes()
