"""From a loaded app to the bytes of its OCI image: layers, locked app, image config, image manifest.

Source: crates/oci/src/client.rs; oci-distribution's manifest.rs for what a manifest holds.
"""

import base64
import hashlib
import io
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from local.spin_cli.lock import Json, LoadedApp, LoadedComponent, locked_app
from local.spin_cli.terminal import SpinError, os_reason

WASM_LAYER: Final = "application/vnd.wasm.content.layer.v1+wasm"
DATA_LAYER: Final = "application/vnd.wasm.content.layer.v1+data"
ARCHIVE_LAYER: Final = "application/vnd.wasm.content.bundle.v1.tar+gzip"
APP_LAYER: Final = "application/vnd.fermyon.spin.application.v1+config"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
_WASM_MAGIC: Final = b"\x00asm"
_COMPONENT_LAYER: Final = b"\x01\x00"
"""Bytes 6 and 7 of a component (component-model's Binary.md)."""
INLINE_MAX: Final = 128
"""Bytes up to which content is written into the locked app itself."""
MAX_LAYERS: Final = 499
"""Layers beside the locked app; beyond that, files go as one archive per component (ECR takes 500)."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Content with its digest and media type, which two blobs are compared by."""

    media_type: str
    content: bytes = field(compare=False, repr=False)
    digest: str

    @classmethod
    def of(cls, media_type: str, content: bytes) -> "Blob":
        """Make a blob of some bytes; hashes them."""
        return cls(media_type, content, f"sha256:{hashlib.sha256(content).hexdigest()}")

    def descriptor(self) -> Json:
        """How a manifest names the blob."""
        return {"digest": self.digest, "mediaType": self.media_type, "size": len(self.content)}


@dataclass(frozen=True, slots=True)
class Image:
    """Everything to upload. ``layers`` are distinct and end with the locked app."""

    layers: list[Blob]
    config: Blob
    manifest: bytes


def read_sources(app: LoadedApp) -> dict[str, Blob]:
    """Read every component's wasm, by component id.

    Raises
    ------
    SpinError
        One is missing, is not WebAssembly, or is a core module, which only the real CLI can convert.
    """
    sources = {}
    for loaded in app.components:
        try:
            content = loaded.source.read_bytes()
        except OSError as error:
            message = f'failed to read component source from disk at path "{loaded.source}"'
            raise SpinError(message) from SpinError(os_reason(error))
        if content[:4] != _WASM_MAGIC:
            raise SpinError(f"Component {loaded.id} source is not a valid .wasm file")
        if content[6:8] != _COMPONENT_LAYER:
            raise SpinError(
                f"Component {loaded.id} source is not a WebAssembly component: Spin itself would make one of a core "
                "module when it pushes, this stand-in for Spin 3.6.3 does not"
            )
        sources[loaded.id] = Blob.of(WASM_LAYER, content)
    return sources


def build_image(
    app: LoadedApp, sources: dict[str, Blob], *, created: str, annotations: Mapping[str, str] | None = None
) -> Image:
    """Assemble the image.

    Parameters
    ----------
    app
        What was loaded.
    sources
        From `read_sources`.
    created
        RFC 3339 time for the annotation.
    annotations
        Explicit ones, which win over those that are inferred.
    """
    layers, files = _content_layers(app, sources, archive=False)
    if len(layers) > MAX_LAYERS:
        layers, files = _content_layers(app, sources, archive=True)
    references = {name: _content_reference(blob) for name, blob in sources.items()}
    locked = Blob.of(APP_LAYER, locked_app(app, references, files))
    layers = list(dict.fromkeys([*layers, locked]))
    config = Blob.of(CONFIG_TYPE, _config(locked.digest))
    manifest = {
        "schemaVersion": 2,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
        "annotations": {**_annotations(app, created), **(annotations or {})},
    }
    return Image(layers, config, canonical_json(manifest).encode())


def utc_now() -> str:
    """Now as chrono's ``to_rfc3339`` writes it: fractional seconds and ``+00:00``."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def canonical_json(value: Any) -> str:
    """OLPC canonical JSON: no spaces, sorted keys, NFC, and nothing escaped but quotes and backslashes."""
    match value:
        case dict():
            items = sorted((unicodedata.normalize("NFC", key), inner) for key, inner in value.items())
            return "{" + ",".join(f"{canonical_json(key)}:{canonical_json(inner)}" for key, inner in items) + "}"
        case list():
            return "[" + ",".join(canonical_json(item) for item in value) + "]"
        case str():
            escaped = unicodedata.normalize("NFC", value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case _:
            return json.dumps(value)


def _content_layers(
    app: LoadedApp, sources: dict[str, Blob], *, archive: bool
) -> tuple[list[Blob], dict[str, list[Json]]]:
    """Layers before the locked app, and each component's file list."""
    layers: list[Blob] = []
    files: dict[str, list[Json]] = {}
    for loaded in app.components:
        layers.append(sources[loaded.id])  # pushed even where it is small enough to be inlined
        blobs = {path: Blob.of(DATA_LAYER, _read(file)) for path, file in loaded.files.items()}
        files[loaded.id] = [{**_content_reference(blob), "path": path} for path, blob in blobs.items()]
        if not archive:
            layers += [blob for blob in blobs.values() if len(blob.content) > INLINE_MAX]
        elif blobs:
            layers.append(_archive(loaded, blobs))
    return list(dict.fromkeys(layers)), files


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SpinError(f'cannot read file "{file}"') from SpinError(os_reason(error))


def _archive(loaded: LoadedComponent, blobs: dict[str, Blob]) -> Blob:
    """All files of a component in one compressed archive; times and owners are left out, so equal files are equal."""
    import gzip  # here: few apps have this many files, and every push would pay for it
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, blob in blobs.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(blob.content)
            entry.mode = loaded.files[path].stat().st_mode & 0o777
            archive.addfile(entry, io.BytesIO(blob.content))
    return Blob.of(ARCHIVE_LAYER, gzip.compress(buffer.getvalue(), compresslevel=6, mtime=0))


def _content_reference(blob: Blob) -> Json:
    reference: Json = {}
    if len(blob.content) <= INLINE_MAX:
        reference["inline"] = base64.b64encode(blob.content).decode().rstrip("=")
    reference["digest"] = blob.digest
    return reference


def _config(locked_digest: str) -> bytes:
    """Image config. The label makes apps differ: without it every app would have the same image id in containerd."""
    document = {
        "architecture": "wasm",
        "os": "wasip1",
        "config": {"Labels": {"com.fermyon.spin.lockedAppDigest": locked_digest}},
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _annotations(app: LoadedApp, created: str) -> dict[str, str]:
    application = app.manifest.application
    inferred = {
        "authors": ", ".join(application.authors),
        "created": created,
        "description": application.description,
        "title": application.name,
        "version": application.version,
    }
    return {f"org.opencontainers.image.{key}": value for key, value in inferred.items() if value}
