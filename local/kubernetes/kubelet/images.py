"""Images on the node: pulled by reference, checked as containerd-shim-spin does, laid out for the function runtime."""

import asyncio
import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.oci.credentials import Credentials
    from local.oci.pull import PulledImage

# Layer media types that containerd-shim-spin v0.24.0 loads (its engine.rs); it drops all others.
WASM_LAYER = "application/vnd.wasm.content.layer.v1+wasm"
PLAIN_WASM_LAYER = "application/wasm"
DATA_LAYER = "application/vnd.wasm.content.layer.v1+data"
BUNDLE_LAYER = "application/vnd.wasm.content.bundle.v1.tar+gzip"
SPIN_CONFIG_LAYER = "application/vnd.fermyon.spin.application.v1+config"
_CHUNK_BYTES = 1 << 20
SHIM_LAYERS = frozenset({WASM_LAYER, PLAIN_WASM_LAYER, DATA_LAYER, BUNDLE_LAYER, SPIN_CONFIG_LAYER})


class PullError(Exception):
    """An image could not be pulled; the message is the registry's reason."""


class UnusableImageError(Exception):
    """An image was pulled, but the shim could not start it."""


@dataclass(frozen=True)
class AppImage:
    """An image that is on the node."""

    reference: str
    digest: str
    """Of the manifest."""
    size: int
    """Bytes of all layers."""
    folder: Path
    """What `local.spin_host` takes as ``--app``."""


def check_for_shim(config: Mapping[str, Any], media_types: Sequence[str]) -> None:
    """Refuse what containerd-shim-spin would not run.

    Parameters
    ----------
    config
        The image's config document.
    media_types
        Of its layers, in order.

    Raises
    ------
    UnusableImageError
        With what is wrong.
    """
    architecture = config.get("architecture")
    if architecture != "wasm":
        # Otherwise the shim takes the layers for a root file system and looks for /spin.toml in it.
        raise UnusableImageError(
            f'image config has architecture "{architecture}", not "wasm": this is no Spin application image '
            "(push it with `spin registry push`)"
        )
    if not config.get("os"):
        raise UnusableImageError('image config has no "os" field')
    if (config.get("rootfs") or {}).get("diff_ids"):
        # containerd counts layers that it knows how to unpack, and finds none: the numbers do not match.
        raise UnusableImageError("image config lists diff_ids, but its layers are not file system layers")
    known = [kind for kind in media_types if kind in SHIM_LAYERS]
    if known == [PLAIN_WASM_LAYER] and len(media_types) == 1:
        return
    if SPIN_CONFIG_LAYER not in known:
        raise UnusableImageError(f"image has no layer of type {SPIN_CONFIG_LAYER}: no Spin application in it")
    if WASM_LAYER not in known:
        raise UnusableImageError(f"image has no layer of type {WASM_LAYER}: no component in it")


def _unpack(archive: Path, blobs: Path) -> None:
    """Put every file of an archive layer among the blobs, under its own digest, by which the locked app names it.

    Names inside the archive say nothing about where a file goes, so none can lead out of ``blobs``.
    """
    with tarfile.open(archive, "r|gz") as members:
        for member in members:
            content = members.extractfile(member) if member.isreg() else None
            if content is None:
                continue
            digest = hashlib.sha256()
            draft = blobs / ".unpacking"
            with draft.open("wb") as file:
                while chunk := content.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    file.write(chunk)
            draft.replace(blobs / digest.hexdigest())


class ImageStore:
    """Pulls images into one content store; the same image is pulled once, however many pods wait for it."""

    def __init__(self, root: Path, mirrors_file: Path | None, docker_config: Path | None) -> None:
        self._root = root
        self._mirrors_file = mirrors_file
        self._docker_config = docker_config
        self._index_file = root / "index.json"
        self._index: dict[str, str] = self._read_index()
        self._running: dict[str, asyncio.Task[AppImage]] = {}

    def present(self, reference: str) -> bool:
        """Whether the image was pulled before and its layout is still there."""
        digest = self._index.get(reference)
        return digest is not None and self._folder(digest).is_dir()

    async def ensure(self, reference: str, *, pull_always: bool, secrets: Sequence[Mapping[str, Any]] = ()) -> AppImage:
        """Find the image on this node, or pull it.

        Parameters
        ----------
        reference
            As in the pod's spec.
        pull_always
            Ask the registry even when the image is here.
        secrets
            Docker config documents of the pod's imagePullSecrets.

        Raises
        ------
        PullError
            The registry did not hand it out.
        UnusableImageError
            It is no Spin application.
        """
        if not pull_always and self.present(reference):
            return self._describe(reference, self._index[reference])
        task = self._running.get(reference)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._pull, reference, tuple(secrets)))
            self._running[reference] = task
            task.add_done_callback(lambda _: self._running.pop(reference, None))
        return await asyncio.shield(task)

    def _pull(self, reference: str, secrets: Sequence[Mapping[str, Any]]) -> AppImage:
        from local.oci.errors import RegistryError
        from local.oci.mirrors import Mirrors
        from local.oci.pull import pull_image
        from local.oci.reference import InvalidReferenceError

        try:
            # Read at every pull: registries come and go while the cluster runs.
            mirrors = Mirrors.load(self._mirrors_file)
            image = pull_image(
                reference, self._root, mirrors=mirrors, credentials=self._credentials(reference, secrets)
            )
        except (RegistryError, InvalidReferenceError, ValueError, OSError) as error:
            raise PullError(str(error)) from error
        check_for_shim(image.config, [layer.media_type for layer in image.layers])
        try:
            self._lay_out(image)
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise UnusableImageError(f"a layer of type {BUNDLE_LAYER} cannot be unpacked: {error}") from error
        self._index[reference] = image.manifest_digest
        draft = self._index_file.with_suffix(".draft")
        draft.write_text(json.dumps(self._index, indent=1))
        draft.replace(self._index_file)
        return self._describe(reference, image.manifest_digest)

    def _credentials(self, reference: str, secrets: Sequence[Mapping[str, Any]]) -> "Credentials | None":
        """Look through the pod's own secrets first, then the node's Docker config, as kubelet does."""
        from local.oci.credentials import from_docker_config
        from local.oci.reference import parse_reference

        server = parse_reference(reference).server
        # A secret names passwords only: its credential helpers would be programs to run on the node.
        documents: list[Mapping[str, Any]] = [{"auths": secret.get("auths") or {}} for secret in secrets]
        if self._docker_config is not None and self._docker_config.exists():
            documents.append(json.loads(self._docker_config.read_text()))
        found = (from_docker_config(document, server) for document in documents)
        return next((credentials for credentials in found if credentials is not None), None)

    def _lay_out(self, image: "PulledImage") -> None:
        """Write the folder that the function runtime reads: ``spin.json`` and the other layers by digest."""
        folder = self._folder(image.manifest_digest)
        if folder.is_dir():
            return
        draft = folder.with_name(f".{folder.name}.{os.getpid()}")
        blobs = draft / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        for layer in image.layers:
            if layer.media_type == SPIN_CONFIG_LAYER:
                (draft / "spin.json").write_bytes(layer.path.read_bytes())
            elif layer.media_type == BUNDLE_LAYER:
                _unpack(layer.path, blobs)
            elif layer.media_type in SHIM_LAYERS:
                target = blobs / layer.path.name
                target.unlink(missing_ok=True)
                target.hardlink_to(layer.path)
        draft.replace(folder)

    def _folder(self, digest: str) -> Path:
        return self._root / "apps" / digest.removeprefix("sha256:")

    def _describe(self, reference: str, digest: str) -> AppImage:
        folder = self._folder(digest)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return AppImage(reference, digest, size, folder)

    def _read_index(self) -> dict[str, str]:
        try:
            index: dict[str, str] = json.loads(self._index_file.read_text())
        except (OSError, ValueError):
            return {}
        return index
