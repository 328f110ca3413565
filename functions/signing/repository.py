"""An ECR repository, as its API sees it: manifests by tag, and artifacts put beside images.

The registry's own HTTP API would need a password, a host to reach, and a client; this is signed like every other call
of the function.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from functions.contracts.image_reference import ImageReference
from functions.registry import ecr
from functions.signing.formats import EMPTY, MANIFEST_TYPE, Artifact, Blob, digest_of

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

_ACCEPTED: Final = (MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v2+json")


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository of one account and region."""

    account: str
    region: str
    name: str

    @classmethod
    def of(cls, image: ImageReference) -> "Repository | None":
        """Return the repository of an image; None when it is not in ECR."""
        registry = image.ecr_registry()
        return cls(*registry, image.repository) if registry is not None else None

    def manifests(self, tags: Sequence[str]) -> Mapping[str, Blob]:
        """Return the manifests of those of ``tags`` that there are.

        Raises
        ------
        ClientError, BotoCoreError
            ECR refused or did not answer.
        """
        answer = self._ecr.batch_get_image(
            registryId=self.account,
            repositoryName=self.name,
            imageIds=[{"imageTag": tag} for tag in tags],
            acceptedMediaTypes=list(_ACCEPTED),
        )
        found: dict[str, Blob] = {}
        for image in answer["images"]:
            content = image["imageManifest"].encode()
            # ECR hands manifests out as they were put; what it says of their digest is not needed.
            found[image["imageId"]["imageTag"]] = Blob(image.get("imageManifestMediaType", MANIFEST_TYPE), content)
        return found

    def put(self, artifacts: Iterable[Artifact], subject: Blob, threads: Executor) -> None:
        """Put artifacts about an image, whose manifest is ``subject``, under their tags.

        Raises
        ------
        ClientError, BotoCoreError
            ECR refused or did not answer. What was put may be put again.
        """
        wanted = tuple(artifacts)
        list(threads.map(self._upload, self._missing([EMPTY, *(artifact.layer for artifact in wanted)])))
        list(threads.map(lambda artifact: self._put(artifact, subject), wanted))

    def _missing(self, blobs: Sequence[Blob]) -> list[Blob]:
        answer = self._ecr.batch_check_layer_availability(
            registryId=self.account, repositoryName=self.name, layerDigests=[blob.digest for blob in blobs]
        )
        there = {layer["layerDigest"] for layer in answer["layers"] if layer.get("layerAvailability") == "AVAILABLE"}
        return [blob for blob in blobs if blob.digest not in there]

    def _upload(self, blob: Blob) -> None:
        place = {"registryId": self.account, "repositoryName": self.name}
        upload = self._ecr.initiate_layer_upload(**place)["uploadId"]
        self._ecr.upload_layer_part(
            **place, uploadId=upload, partFirstByte=0, partLastByte=len(blob.content) - 1, layerPartBlob=blob.content
        )
        with contextlib.suppress(self._ecr.exceptions.LayerAlreadyExistsException):
            self._ecr.complete_layer_upload(**place, uploadId=upload, layerDigests=[blob.digest])

    def _put(self, artifact: Artifact, subject: Blob) -> None:
        content = artifact.manifest(subject)
        # In an immutable repository somebody else may have been faster: what is there counts.
        with contextlib.suppress(
            self._ecr.exceptions.ImageAlreadyExistsException, self._ecr.exceptions.ImageTagAlreadyExistsException
        ):
            self._ecr.put_image(
                registryId=self.account,
                repositoryName=self.name,
                imageManifest=content.decode(),
                imageManifestMediaType=MANIFEST_TYPE,
                imageTag=artifact.tag,
                imageDigest=digest_of(content),
            )

    @property
    def _ecr(self) -> "ECRClient":
        return ecr.client(self.region)
