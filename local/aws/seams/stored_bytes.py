"""The content of objects and of image layers is in files, not in memory: each build leaves almost 30 MB of it.

ministack keeps the content of every version of an object in memory, even of those that it has written to a file, and
image layers in memory alone. Files of layers last as long as the process: where state is kept, the state file has their
content too (`local.aws.seams.kept_stores`).
"""

import uuid
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import ecr, s3
from typing_extensions import override

IN_MEMORY_BYTES: Final = 64 * 1024
"""Most that is not worth a file."""


class Layers(MutableMapping[str, bytes]):
    """Content by digest, of one repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._content: dict[str, bytes | Path] = {}

    @override
    def __getitem__(self, digest: str) -> bytes:
        content = self._content[digest]
        return content.read_bytes() if isinstance(content, Path) else content

    @override
    def __setitem__(self, digest: str, content: bytes) -> None:
        if digest in self._content:
            return  # the digest says that it is the same
        if len(content) <= IN_MEMORY_BYTES:
            self._content[digest] = content
            return
        file = self._folder / f"layer-{uuid.uuid4().hex}"
        file.write_bytes(content)
        self._content[digest] = file

    @override
    def __delitem__(self, digest: str) -> None:
        content = self._content.pop(digest)
        if isinstance(content, Path):
            content.unlink(missing_ok=True)

    @override
    def __contains__(self, digest: object) -> bool:
        return digest in self._content

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(list(self._content))

    @override
    def __len__(self) -> int:
        return len(self._content)


class LayersByRepository(AccountRegionScopedDict):  # type: ignore[misc]  # ministack has no types
    """Makes `Layers` of every mapping that it is given."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def _kept(self, value: Any) -> Layers:
        if isinstance(value, Layers):
            return value
        layers = Layers(self._folder)
        layers.update(value)
        return layers

    @override
    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, self._kept(value))

    @override
    def setdefault(self, key: str, default: Any = None) -> Any:
        return super().setdefault(key, self._kept(default or {}))

    @override
    def set_scoped(self, account_id: str, region: str, key: str, value: Any) -> None:
        super().set_scoped(account_id, region, key, self._kept(value))

    @override
    def update(self, other: AccountRegionScopedDict) -> None:
        self._data.update({key: self._kept(value) for key, value in other._data.items()})


def install(folder: Path) -> None:
    """Replace both; files of layers go to ``folder``."""
    ecr._layer_blobs = LayersByRepository(folder)
    persist = s3._persist_object

    def persist_object(bucket: str, key: str, found: Any) -> None:
        persist(bucket, key, found)
        if found.get("body") is None:  # it is in its file
            for version in s3._object_versions.get((bucket, key)) or []:
                if version["version_id"] == found.get("version_id"):
                    version["data"] = None

    s3._persist_object = persist_object
