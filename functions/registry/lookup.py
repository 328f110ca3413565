"""Look an image up in its registry."""

from typing import Final

from functions.contracts.image_reference import ImageReference
from functions.registry import distribution, ecr
from functions.registry.outcomes import Lookup, NotChecked, RegistryCredentials

SECONDS: Final = 5.0
"""Seconds that one lookup may take by default."""


def find_image(reference: str, credentials: RegistryCredentials | None = None, *, seconds: float = SECONDS) -> Lookup:
    """Ask the registry of ``reference`` whether it has the image, and for the digest of its manifest.

    Parameters
    ----------
    reference
        Full reference: ``host[:port]/repository:tag``, ``…@sha256:…``, or both (then the digest is what counts).
    credentials
        For the registry's host. Without them ECR is asked with the function's role, any other registry anonymously.
    seconds
        Time limit; the result is `NotChecked` when it is over.

    Raises
    ------
    ValueError
        ``reference`` is not a full reference.
    """
    image = ImageReference.parse(reference)
    registry = image.ecr_registry()
    if registry is None:
        return distribution.find(image, credentials, seconds)
    answer = ecr.find(image, *registry)
    if isinstance(answer, NotChecked) and credentials is not None:
        # Another account's registry: the role may not read it, but the caller who pushed there has a password.
        return distribution.find(image, credentials, seconds)
    return answer
