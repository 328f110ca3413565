"""Ask Amazon ECR with the function's own role: without a password, and without a route to the registry's host."""

import contextlib
import functools
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.contracts.image_reference import ImageReference
from functions.contracts.names import DEPLOYED_TAG
from functions.registry.outcomes import ImageFound, ImageMissing, Lookup, NotChecked

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

_MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_CONNECT_SECONDS: Final = 1.0
_READ_SECONDS: Final = 2.0


@functools.cache
def client(region: str) -> "ECRClient":
    """Return the client of a region, created once."""
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    return boto3.client("ecr", region_name=region, config=config)


def find(reference: ImageReference, account: str, region: str) -> Lookup:
    """Ask the registry of ``account`` in ``region``. If the role may not read it, the result is `NotChecked`."""
    image: ImageIdentifierTypeDef = {}
    if reference.digest:
        image["imageDigest"] = reference.digest
    elif reference.tag:
        image["imageTag"] = reference.tag
    try:
        answer = client(region).describe_images(
            registryId=account, repositoryName=reference.repository, imageIds=[image]
        )
    except ClientError as error:
        return _refused(error, reference)
    except BotoCoreError as error:
        return NotChecked(f"Amazon ECR in {region} did not answer ({type(error).__name__})")
    images = [
        ImageFound(found["imageDigest"], tuple(found.get("imageTags", ())), found.get("imagePushedAt"))
        for found in answer["imageDetails"]
        if "imageDigest" in found
    ]
    return images[0] if images else ImageMissing(reference.missing())


def keep(reference: ImageReference, account: str, region: str, digest: str) -> None:
    """Mark an image as deployed, so that the repository's lifecycle rules keep it.

    Raises
    ------
    ClientError, BotoCoreError
        The image is not marked.
    """
    ecr = client(region)
    place = {"registryId": account, "repositoryName": reference.repository}
    answer = ecr.batch_get_image(**place, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=list(_MANIFESTS))
    for image in answer["images"]:
        with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
            ecr.put_image(
                **place,
                imageManifest=image["imageManifest"],
                imageManifestMediaType=image["imageManifestMediaType"],
                imageDigest=digest,
                imageTag=DEPLOYED_TAG + digest.rpartition(":")[2][:32],
            )
        return
    raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": reference.missing()}}, "BatchGetImage")


def _refused(error: ClientError, reference: ImageReference) -> Lookup:
    code = error.response["Error"]["Code"]
    if code == "RepositoryNotFoundException":
        return ImageMissing(f"there is no repository '{reference.name}'")
    if code == "ImageNotFoundException":
        return ImageMissing(reference.missing())
    return NotChecked(f"Amazon ECR did not let this service look at '{reference.name}' ({code})")
