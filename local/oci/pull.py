"""Pull an image into a content store: what a kubelet does before it starts a container."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.oci.credentials import Credentials
from local.oci.errors import CorruptContentError
from local.oci.mirrors import Mirrors
from local.oci.reference import ImageReference, is_digest, parse_reference
from local.oci.registry import RepositoryClient
from local.oci.store import ContentStore

_PARALLEL_DOWNLOADS: Final = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, already in the store: ``path`` holds exactly ``size`` bytes whose digest is ``digest``."""

    media_type: str
    digest: str
    size: int
    path: Path


@dataclass(frozen=True, slots=True)
class PulledImage:
    """An image whose every blob is in the store. ``manifest`` and ``config`` are the parsed JSON documents."""

    reference: ImageReference
    manifest_digest: str
    manifest: Mapping[str, Any]
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]


def pull_image(
    reference: str | ImageReference,
    store_dir: str | Path,
    *,
    mirrors: Mirrors | None = None,
    credentials: Credentials | None = None,
) -> PulledImage:
    """Fetch an image's manifest, config and layers; blobs that are in the store already are not fetched again.

    A reference with a digest whose manifest is in the store needs no registry at all. Blocking; from asyncio call it
    by ``asyncio.to_thread``.

    Raises
    ------
    InvalidReferenceError
        ``reference`` is not an image reference.
    NotFoundError, UnauthorizedError, RefusedError, UnreachableError
        See `local.oci.errors`.
    CorruptContentError
        A digest does not match, or the reference names no image manifest (an index, say).
    """
    if isinstance(reference, str):
        reference = parse_reference(reference)
    store = ContentStore(store_dir)
    with RepositoryClient(reference, mirrors=mirrors, credentials=credentials) as client:
        digest, manifest = _manifest(reference, store, client)
        config, *layers = _descriptors(manifest, store, str(reference))

        def fetch(blob: Layer) -> None:
            if store.has(blob.digest):
                return
            with client.blob(blob.digest) as parts:
                store.write(blob.digest, parts, source=str(reference), size=blob.size)

        wanted = {blob.digest: blob for blob in (config, *layers)}.values()
        with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
            list(pool.map(fetch, wanted))
    document = _parse(config.path.read_bytes(), f"config of {reference}", str(reference))
    return PulledImage(reference, digest, manifest, document, tuple(layers))


def _manifest(reference: ImageReference, store: ContentStore, client: RepositoryClient) -> tuple[str, dict[str, Any]]:
    if reference.digest is not None and store.has(reference.digest):
        digest, content = reference.digest, store.path(reference.digest).read_bytes()
    else:
        fetched = client.manifest(reference.version)
        digest, content = fetched.digest, fetched.content
        store.write(digest, [content], source=str(reference))
    return digest, _parse(content, f"manifest of {reference}", str(reference))


def _descriptors(manifest: Mapping[str, Any], store: ContentStore, source: str) -> list[Layer]:
    """Config and layers of a manifest, in that order, with their places in the store."""
    if "manifests" in manifest:
        raise CorruptContentError(f"{source} is an image index; a plain image manifest is expected", url=source)
    try:
        blobs = [manifest["config"], *manifest["layers"]]
        found = [(str(blob["mediaType"]), blob["digest"], blob["size"]) for blob in blobs]
    except (KeyError, TypeError) as error:
        raise CorruptContentError(f"{source} has no image manifest: {error} is missing", url=source) from error
    for _, digest, size in found:
        if not isinstance(digest, str) or not is_digest(digest) or not isinstance(size, int) or size < 0:
            raise CorruptContentError(f"{source} names a blob by a bad digest or size: {digest!r}", url=source)
    return [Layer(media_type, digest, size, store.path(digest)) for media_type, digest, size in found]


def _parse(content: bytes, what: str, source: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise CorruptContentError(f"the {what} is not JSON", url=source) from error
    if not isinstance(document, dict):
        raise CorruptContentError(f"the {what} is not a JSON object", url=source)
    return document
