"""The application as pulled from a registry: Spin's locked app and the blobs it names, read from a folder.

The folder is what the kubelet writes after a pull:

- ``spin.json``: the image's layer of type ``application/vnd.fermyon.spin.application.v1+config``, byte for byte;
- ``blobs/sha256/<hex>``: every other layer under its digest, as in an OCI image layout.

Field names are Spin's (spin 3.6, crates/locked-app).
"""

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, ValidationError

from local.spin_host.files import Directory, File, FileTreeError

_UNDERSTOOD: Final = {"component_host_requirements"}


class AppError(Exception):
    """The application cannot be served; the message is for its author."""


Label = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*$", max_length=64)]
"""Name of a store or database: kebab or snake words, as Spin demands; it becomes part of a file's name."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class ContentRef(BaseModel):
    """Bytes: inline, or a blob's digest."""

    inline: str | None = None
    """Base64 without padding."""
    digest: Digest | None = None


class MountedFile(ContentRef):
    """A file of a component."""

    path: str


class ComponentMetadata(BaseModel):
    """What a component may use."""

    allowed_outbound_hosts: list[str] = []
    key_value_stores: list[Label] = []
    databases: list[Label] = []


class LockedComponent(BaseModel):
    """A component."""

    id: str
    source: ContentRef
    metadata: ComponentMetadata = ComponentMetadata()
    env: dict[str, str] = {}
    files: list[MountedFile] = []
    config: dict[str, str] = {}
    """Its variables, as templates."""


class LockedVariable(BaseModel):
    """An app variable; without a default it is required."""

    default: str | None = None


class LockedTrigger(BaseModel):
    """What starts a component."""

    id: str
    trigger_type: str
    trigger_config: dict[str, Any] = {}


class LockedApp(BaseModel):
    """The whole of ``spin.json`` that matters here; other fields are ignored, as Spin ignores them."""

    spin_lock_version: int = Field(ge=0, le=1)
    must_understand: list[str] = []
    metadata: dict[str, Any] = {}
    variables: dict[str, LockedVariable] = {}
    triggers: list[LockedTrigger]
    components: list[LockedComponent]


class AppFolder:
    """A pulled application on disk."""

    def __init__(self, folder: Path) -> None:
        """Read the locked app; raise `AppError` when there is none, or none that can be understood."""
        self._folder = folder
        try:
            content = (folder / "spin.json").read_bytes()
        except OSError as error:
            raise AppError(f"cannot read spin.json of the pulled image: {error.strerror}") from None
        try:
            self.app = LockedApp.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "document"
            raise AppError(f"spin.json is not a locked Spin application: {where}: {first['msg']}") from None
        if unknown := set(self.app.must_understand) - _UNDERSTOOD:
            raise AppError(f"spin.json asks for features that are not known here: {', '.join(sorted(unknown))}")

    def wasm(self, component: LockedComponent) -> tuple[str, Path]:
        """Digest and file of a component's wasm.

        Raises
        ------
        AppError
            The image has no layer for it.
        """
        digest = component.source.digest
        if digest is None:
            raise AppError(f"component {component.id}: its source has no digest, so there is no layer to run")
        return digest, self._blob(digest, f"component {component.id}")

    def files(self, component: LockedComponent) -> Directory:
        """Return a component's files.

        Raises
        ------
        AppError
            A layer is missing, or the list cannot be laid out.
        """
        root = Directory()
        for mounted in component.files:
            where = f"component {component.id}, file {mounted.path!r}"
            try:
                root.add(mounted.path, self._file(mounted, where))
            except FileTreeError as error:
                raise AppError(f"component {component.id}: {error}") from None
        return root

    def _file(self, mounted: MountedFile, where: str) -> File:
        if mounted.inline is not None:
            try:
                content = base64.b64decode(mounted.inline + "=" * (-len(mounted.inline) % 4), validate=True)
            except binascii.Error:
                raise AppError(f"{where}: its inline content is not base64") from None
            return File(content, len(content))
        if mounted.digest is None:
            raise AppError(f"{where}: it has neither content nor digest")
        path = self._blob(mounted.digest, where)
        return File(path, path.stat().st_size)

    def _blob(self, digest: str, where: str) -> Path:
        path = self._folder / "blobs" / "sha256" / digest.removeprefix("sha256:")
        if not path.is_file():
            raise AppError(f"{where}: layer {digest} is not in the pulled image")
        return path
