"""What makes two builds the same: the uploader's files and the tools, not the output.

componentize-py writes different bytes on every run, so the image tag comes from what went in.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from builder.source.safe_paths import walk

_TAG_DIGITS: Final = 16


def image_tag(workspace_id: str, folder: Path, versions: Mapping[str, str], packages: Sequence[str] = ()) -> str:
    """The first 16 hex digits of a SHA-256 over workspace, files (path, executable or not, content), tools, packages.

    ``packages`` are those installed for the app, each with version and digest: the app may have left both open.
    """
    digest = hashlib.sha256()
    _add(digest, "workspace", workspace_id.encode())
    for tool, version in sorted(versions.items()):
        _add(digest, f"tool {tool}", version.encode())
    for package in sorted(packages):
        _add(digest, "package", package.encode())
    for path, entry in sorted(walk(folder), key=lambda found: found[0]):
        kind = "program" if entry.stat(follow_symlinks=False).st_mode & 0o100 else "file"
        _add(digest, f"{kind} {path}", Path(entry.path).read_bytes())
    return digest.hexdigest()[:_TAG_DIGITS]


def _add(digest: "hashlib._Hash", label: str, content: bytes) -> None:
    # Lengths first, so that no two lists of parts run together to the same bytes.
    for part in (label.encode("utf-8", "surrogateescape"), content):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
