"""``wasi:filesystem@0.2.0``: a component's own files, read-only, mounted at ``/`` as Spin mounts them.

The tree is the app's list of files and never the host's file system, so no path and no link leads out of it. A
component without files has no folder at all.
"""

from typing import Any, Final

from wasmtime.component import Record, Variant

from local.spin_host.files import Directory, File, Node, identity
from local.spin_host.host.abi import HostFunction, Interface, RequestContext, Resource, err, none, ok, record, some
from local.spin_host.host.io import CHUNK_BYTES, InputStream

_CHANGES: Final = frozenset({"write", "mutate-directory"})
_CREATES: Final = frozenset({"create", "exclusive", "truncate"})


class Descriptor(Resource):
    """An open file or folder."""

    def __init__(self, node: Node, path: str) -> None:
        self.node = node
        self.path = path


class DirectoryEntries(Resource):
    """A folder being listed."""

    def __init__(self, directory: Directory) -> None:
        self.rest = sorted(directory.entries.items(), reverse=True)


class FileInput(InputStream):
    """A file being read from front to back."""

    def __init__(self, file: File, offset: int) -> None:
        self._file = file
        self._offset = offset

    def read(self, size: int) -> bytes:
        """Read on from where the last read ended."""
        chunk = self._file.read(self._offset, size)
        self._offset += len(chunk)
        return chunk


def _walk(start: Descriptor, path: str) -> tuple[Node, str] | str:
    """Find what is at ``path`` below ``start``, or the ``error-code`` that says why nothing is."""
    if path.startswith("/"):
        return "not-permitted"
    trail = [(start.node, start.path)]
    for name in path.split("/"):
        node, here = trail[-1]
        if not isinstance(node, Directory):
            return "not-directory"
        if name in ("", "."):
            continue
        if name == "..":
            if len(trail) == 1:
                return "not-permitted"
            trail.pop()
            continue
        below = node.entries.get(name)
        if below is None:
            return "no-entry"
        trail.append((below, f"{here}/{name}"))
    return trail[-1]


def _kind(node: Node) -> str:
    return "directory" if isinstance(node, Directory) else "regular-file"


def _stat_record(node: Node) -> Record:
    return record(
        type=_kind(node),
        link_count=1,
        size=node.size if isinstance(node, File) else 0,
        data_access_timestamp=none(),
        data_modification_timestamp=none(),
        status_change_timestamp=none(),
    )


def _hash_record(path: str) -> Record:
    lower, upper = identity(path)
    return record(lower=lower, upper=upper)


def _preopened(context: RequestContext) -> list[Any]:
    root = context.services.files
    return [(context.own(Descriptor(root, "")), "/")] if root.entries else []


def _open_at(
    context: RequestContext, start: Descriptor, _follow: set[str], path: str, how: set[str], flags: set[str]
) -> Variant:
    found = _walk(start, path)
    if flags & _CHANGES or how & _CREATES:
        return err("exist" if "exclusive" in how and not isinstance(found, str) else "not-permitted")
    if isinstance(found, str):
        return err(found)
    node, place = found
    if "directory" in how and not isinstance(node, Directory):
        return err("not-directory")
    return ok(context.own(Descriptor(node, place)))


def _read_via_stream(context: RequestContext, opened: Descriptor, offset: int) -> Variant:
    if not isinstance(opened.node, File):
        return err("is-directory")
    return ok(context.own(FileInput(opened.node, offset)))


def _read(_context: RequestContext, opened: Descriptor, length: int, offset: int) -> Variant:
    if not isinstance(opened.node, File):
        return err("is-directory")
    try:
        chunk = opened.node.read(offset, min(length, CHUNK_BYTES))
    except OSError:
        return err("io")
    return ok((chunk, offset + len(chunk) >= opened.node.size))


def _stat_at(_context: RequestContext, start: Descriptor, _follow: set[str], path: str) -> Variant:
    found = _walk(start, path)
    return err(found) if isinstance(found, str) else ok(_stat_record(found[0]))


def _metadata_hash_at(_context: RequestContext, start: Descriptor, _follow: set[str], path: str) -> Variant:
    found = _walk(start, path)
    return err(found) if isinstance(found, str) else ok(_hash_record(found[1]))


def _read_directory(context: RequestContext, opened: Descriptor) -> Variant:
    if not isinstance(opened.node, Directory):
        return err("not-directory")
    return ok(context.own(DirectoryEntries(opened.node)))


def _read_directory_entry(_context: RequestContext, listing: DirectoryEntries) -> Variant:
    if not listing.rest:
        return ok(none())
    name, node = listing.rest.pop()
    return ok(some(record(type=_kind(node), name=name)))


def _readlink_at(_context: RequestContext, start: Descriptor, path: str) -> Variant:
    found = _walk(start, path)
    return err(found if isinstance(found, str) else "invalid")


_CHANGING: Final = (
    "write-via-stream",
    "append-via-stream",
    "write",
    "set-size",
    "set-times",
    "set-times-at",
    "create-directory-at",
    "link-at",
    "remove-directory-at",
    "rename-at",
    "symlink-at",
    "unlink-file-at",
)
_FUNCTIONS: Final[dict[str, HostFunction]] = {
    "open-at": _open_at,
    "read-via-stream": _read_via_stream,
    "read": _read,
    "get-flags": lambda _, _opened: ok({"read"}),
    "get-type": lambda _, opened: ok(_kind(opened.node)),
    "stat": lambda _, opened: ok(_stat_record(opened.node)),
    "stat-at": _stat_at,
    "metadata-hash": lambda _, opened: ok(_hash_record(opened.path)),
    "metadata-hash-at": _metadata_hash_at,
    "is-same-object": lambda _, opened, other: opened.path == other.path,
    "read-directory": _read_directory,
    "readlink-at": _readlink_at,
    **dict.fromkeys(("advise", "sync", "sync-data"), lambda *_: ok()),
    **dict.fromkeys(_CHANGING, lambda *_: err("not-permitted")),
}

INTERFACES: Final = (
    Interface(
        "wasi:filesystem/types@0.2.0",
        {"descriptor": Descriptor, "directory-entry-stream": DirectoryEntries},
        {
            **{f"[method]descriptor.{name}": function for name, function in _FUNCTIONS.items()},
            "[method]directory-entry-stream.read-directory-entry": _read_directory_entry,
            "filesystem-error-code": lambda _, _error: none(),
        },
    ),
    Interface("wasi:filesystem/preopens@0.2.0", functions={"get-directories": _preopened}),
)
