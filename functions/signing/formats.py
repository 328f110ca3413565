"""What is signed, and how it is stored beside an image: cosign's formats.

An image's signature is a "simple signing" payload with the image's digest in it, a blob of an OCI artifact that has the
signature as an annotation and is found under a tag made of the image's digest. Attestations are in-toto statements in
DSSE envelopes in sigstore bundles. Each artifact names the image as its ``subject``, so that registries list it among
the image's referrers and Amazon ECR removes it with the image.

Sources: sigstore/cosign, specs/SIGNATURE_SPEC.md and specs/BUNDLE_SPEC.md; sigstore/protobuf-specs,
sigstore_bundle.proto; opencontainers/image-spec 1.1, manifest.md. Written by hand: three JSON objects do not need
sigstore's libraries, and their native code, in a Lambda bundle.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.contracts.statements import PAYLOAD_TYPE, canonical

MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION: Final = "dev.cosignproject.cosign/signature"
SIGNATURE_ARTIFACT: Final = "application/vnd.dev.cosign.artifact.sig.v1+json"
BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
PROVENANCE: Final = "https://slsa.dev/provenance/v1"
SBOM: Final = "https://cyclonedx.org/bom"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
TAG_PREFIX: Final = "sha256-"
"""How tags begin that name something about an image by its digest. No build and no deploy makes such a tag."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Content of a registry, and what a manifest says of it."""

    media_type: str
    content: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """``sha256:`` and 64 hexadecimal digits."""
        return digest_of(self.content)

    def descriptor(self) -> dict[str, Any]:
        """Return how a manifest names it."""
        described: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}
        return {**described, "annotations": dict(self.annotations)} if self.annotations else described


EMPTY: Final = Blob("application/vnd.oci.empty.v1+json", b"{}")
"""The config of what needs none (image-spec, "Guidance for an empty descriptor")."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something about an image, as a registry keeps it."""

    tag: str
    artifact_type: str
    layer: Blob
    annotations: Mapping[str, str] = field(default_factory=dict)

    def manifest(self, subject: Blob) -> bytes:
        """Return the manifest; ``subject`` is that of the image."""
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": self.artifact_type,
            "config": EMPTY.descriptor(),
            "layers": [self.layer.descriptor()],
            "subject": subject.descriptor(),
            "annotations": dict(self.annotations),
        }
        return json.dumps({name: value for name, value in document.items() if value}, separators=(",", ":")).encode()


def digest_of(content: bytes) -> str:
    """``sha256:<hex>`` of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def signature_tag(digest: str) -> str:
    """Return the tag under which cosign looks for signatures of the image ``digest``."""
    return f"{digest.replace(':', '-')}.sig"


def attestation_tag(digest: str, predicate_type: str) -> str:
    """Return the tag of an attestation. Nobody looks for it: it tells lifecycle rules and people what this is."""
    name = {PROVENANCE: "provenance", SBOM: "sbom"}[predicate_type]
    return f"{digest.replace(':', '-')}.{name}.bundle"


def signature_payload(repository: str, digest: str) -> bytes:
    """Return what a signature of an image is made over: the bytes that `cosign sign` writes, too.

    Parameters
    ----------
    repository
        ``host/repository`` of the image.
    digest
        Of the image's manifest.
    """
    document = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def signature(repository: str, digest: str, signed: bytes) -> Artifact:
    """Return the signature of an image; ``signed`` is over `signature_payload`."""
    annotation = {SIGNATURE_ANNOTATION: base64.b64encode(signed).decode()}
    payload = Blob(SIMPLE_SIGNING, signature_payload(repository, digest), annotation)
    return Artifact(signature_tag(digest), SIGNATURE_ARTIFACT, payload)


def sbom_statement(repository: str, digest: str, sbom: Mapping[str, Any]) -> bytes:
    """Return the statement that an image has these parts."""
    subject = {"name": repository, "digest": {"sha256": digest.removeprefix("sha256:")}}
    return canonical({"_type": STATEMENT, "subject": [subject], "predicateType": SBOM, "predicate": sbom})


def attestation(digest: str, predicate_type: str, statement: bytes, signed: bytes, key: str) -> Artifact:
    """Return an attestation of an image.

    Parameters
    ----------
    digest
        Of the image's manifest.
    predicate_type
        What the statement says, `PROVENANCE` or `SBOM`.
    statement
        The in-toto statement.
    signed
        Signature over its pre-authentication encoding.
    key
        Which key signed: a hint for whoever has several, and no proof.
    """
    envelope = {
        "payload": base64.b64encode(statement).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode(signed).decode()}],
    }
    bundle = {
        "mediaType": BUNDLE,
        "verificationMaterial": {"publicKey": {"hint": key}},
        "dsseEnvelope": envelope,
    }
    annotations = {"dev.sigstore.bundle.content": "dsse-envelope", "dev.sigstore.bundle.predicateType": predicate_type}
    return Artifact(attestation_tag(digest, predicate_type), BUNDLE, Blob(BUNDLE, canonical(bundle)), annotations)
