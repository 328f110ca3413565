"""What an image is made of: the uploader's files, the tools, the packages, and the components that came of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from builder.source.safe_paths import walk
from functions.contracts.digests import digest_of_parts


def content_digest(
    folder: Path, versions: Mapping[str, str], packages: Sequence[str], components: Mapping[str, str]
) -> bytes:
    """Digest of everything that an image is made of: two images of one digest are the same.

    Parameters
    ----------
    folder
        The app's files: path, executable or not, content.
    packages
        Those installed for the app, each with version and digest: the app may have left both open.
    components
        Path to digest: componentize-py writes other bytes at each run, the fast lane the same.
    """
    return digest_of_parts(_parts(folder, versions, packages, components))


def _parts(
    folder: Path, versions: Mapping[str, str], packages: Sequence[str], components: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield a label and a content, in turns."""
    for tool, version in sorted(versions.items()):
        yield from (f"tool {tool}".encode(), version.encode())
    for package in sorted(packages):
        yield from (b"package", package.encode())
    for path, digest in sorted(components.items()):
        yield from (f"component {path}".encode("utf-8", "surrogateescape"), digest.encode())
    for path, entry in sorted(walk(folder), key=lambda found: found[0]):
        kind = "program" if entry.stat(follow_symlinks=False).st_mode & 0o100 else "file"
        yield f"{kind} {path}".encode("utf-8", "surrogateescape")
        yield Path(entry.path).read_bytes()
