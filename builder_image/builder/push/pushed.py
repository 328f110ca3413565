"""Ask a registry for the digest of a tag: for a tag that may not be overwritten and is there already."""

from typing import TYPE_CHECKING, Final

from functions.contracts.image_reference import ImageReference
from functions.registry import distribution
from functions.registry.outcomes import ImageFound, RegistryCredentials

if TYPE_CHECKING:
    from builder.aws import Aws
    from builder.push.registry import Login

_SECONDS: Final = 10.0


def digest_of(reference: str, login: "Login | None", aws: "Aws") -> str | None:
    """Digest of the image that ``reference`` (``host/repository:tag``) names; None when it cannot be found out.

    The stack's own repository is asked through the ECR API with the build role, any other by the OCI distribution API
    with the login of the push.
    """
    image = ImageReference.parse(reference)
    own = image.ecr_registry() if login is not None and login.of_the_platform else None
    if own is not None and image.tag is not None:
        account, _ = own
        try:
            answer = aws.ecr.describe_images(
                registryId=account, repositoryName=image.repository, imageIds=[{"imageTag": image.tag}]
            )
        except (aws.ecr.exceptions.ImageNotFoundException, aws.ecr.exceptions.RepositoryNotFoundException):
            return None
        return next((str(found["imageDigest"]) for found in answer["imageDetails"]), None)
    credentials = RegistryCredentials(login.username, login.password) if login is not None else None
    found = distribution.find(image, credentials, _SECONDS)
    return found.digest if isinstance(found, ImageFound) else None
