"""Whether an image has a signature by this installation's key, for exactly its digest.

The bytes that were signed are not fetched: they follow from repository and digest, and the signature's manifest has to
name their digest. That is one call of ECR and one of KMS, and needs no way to where ECR keeps layers.
"""

import base64
import binascii
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from functions.signing.formats import (
    SIGNATURE_ANNOTATION,
    SIMPLE_SIGNING,
    Blob,
    digest_of,
    signature_payload,
    signature_tag,
)
from functions.signing.key import SigningKey
from functions.signing.repository import Repository

_LARGEST_MANIFEST: Final = 64 * 1024
_MOST_SIGNATURES: Final = 8
"""Of one image: `cosign sign` adds one each time. More are not looked at."""
_PAUSE: Final = 0.2


@dataclass(frozen=True, slots=True)
class SignedImages:
    """The images of one repository that the key has signed."""

    repository: Repository
    name: str
    """``host/repository``, as signatures call it."""
    key: SigningKey

    def has(self, digest: str, *, seconds: float) -> bool:
        """Return whether an image is signed; wait for the signature of one that is just being signed.

        Parameters
        ----------
        digest
            Of the image's manifest.
        seconds
            How long to wait for an image without any signature: a build is done a moment before its image is signed.

        Raises
        ------
        ClientError, BotoCoreError
            ECR or KMS refused or did not answer.
        """
        until = time.monotonic() + seconds
        tag = signature_tag(digest)
        while (manifest := self.repository.manifests([tag]).get(tag)) is None:
            if time.monotonic() + _PAUSE > until:
                return False
            time.sleep(_PAUSE)
        payload = signature_payload(self.name, digest)
        return any(self.key.verifies(payload, signed) for signed in _signatures(manifest, digest_of(payload)))


def _signatures(manifest: Blob, payload_digest: str) -> Iterator[bytes]:
    """Yield the signatures that a manifest has of the payload of this digest."""
    for layer in _layers(manifest)[:_MOST_SIGNATURES]:
        if not isinstance(layer, dict) or layer.get("mediaType") != SIMPLE_SIGNING:
            continue
        annotations = layer.get("annotations")
        if layer.get("digest") != payload_digest or not isinstance(annotations, dict):
            continue
        try:
            signed = base64.b64decode(annotations.get(SIGNATURE_ANNOTATION, ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            continue
        if signed:
            yield signed


def _layers(manifest: Blob) -> list[Any]:
    if len(manifest.content) > _LARGEST_MANIFEST:
        return []
    try:
        document = json.loads(manifest.content)
    except (ValueError, RecursionError):
        return []
    layers = document.get("layers") if isinstance(document, dict) else None
    return layers if isinstance(layers, list) else []
