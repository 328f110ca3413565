"""What makes two builds the same: the uploader's files and the tools, not the output.

componentize-py writes different bytes on every run, so the image tag comes from what went in.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from builder.source.safe_paths import walk
from functions.contracts.digests import digest_of_parts


def source_digest(folder: Path, versions: Mapping[str, str], packages: Sequence[str] = ()) -> bytes:
    """Digest of files (path, executable or not, content), tools and packages.

    ``packages`` are those installed for the app, each with version and digest: the app may have left both open.
    """
    return digest_of_parts(_parts(folder, versions, packages))


def _parts(folder: Path, versions: Mapping[str, str], packages: Sequence[str]) -> Iterator[bytes]:
    """Yield a label and a content, in turns."""
    for tool, version in sorted(versions.items()):
        yield from (f"tool {tool}".encode(), version.encode())
    for package in sorted(packages):
        yield from (b"package", package.encode())
    for path, entry in sorted(walk(folder), key=lambda found: found[0]):
        kind = "program" if entry.stat(follow_symlinks=False).st_mode & 0o100 else "file"
        yield f"{kind} {path}".encode("utf-8", "surrogateescape")
        yield Path(entry.path).read_bytes()
