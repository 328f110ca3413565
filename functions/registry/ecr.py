"""Amazon ECR, asked with the function's own role: no password, and no route to the registry's host needed."""

import functools
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.registry.reference import ImageReference
from functions.registry.results import ImageFound, ImageMissing, Lookup, NotChecked

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

_CONNECT_SECONDS: Final = 1.0
_READ_SECONDS: Final = 2.0


@functools.cache
def _client(region: str) -> "ECRClient":
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},
    )
    return boto3.client("ecr", region_name=region, config=config)


def find(reference: ImageReference, account: str, region: str) -> Lookup:
    """Ask the registry of ``account`` in ``region``; one that the role may not read is `NotChecked`."""
    image: ImageIdentifierTypeDef = {}
    if reference.digest:
        image["imageDigest"] = reference.digest
    elif reference.tag:
        image["imageTag"] = reference.tag
    try:
        answer = _client(region).describe_images(
            registryId=account, repositoryName=reference.repository, imageIds=[image]
        )
    except ClientError as error:
        return _refused(error, reference)
    except BotoCoreError as error:
        return NotChecked(f"Amazon ECR in {region} did not answer ({type(error).__name__})")
    digests = [found["imageDigest"] for found in answer["imageDetails"] if "imageDigest" in found]
    return ImageFound(digests[0]) if digests else ImageMissing(_no_image(reference))


def _refused(error: ClientError, reference: ImageReference) -> Lookup:
    code = error.response["Error"]["Code"]
    if code == "RepositoryNotFoundException":
        return ImageMissing(f"there is no repository '{reference.name}'")
    if code == "ImageNotFoundException":
        return ImageMissing(_no_image(reference))
    return NotChecked(f"Amazon ECR did not let this service look at '{reference.name}' ({code})")


def _no_image(reference: ImageReference) -> str:
    return f"repository '{reference.name}' has no image '{reference.version}'"
