"""The image of a deploy: allowed here, there in its registry, named by digest. Asked before the cluster is touched."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from functions.cluster.deadline import Deadline
from functions.cluster.errors import RefusedError
from functions.contracts.deploy import image_repository
from functions.registry.lookup import find_image
from functions.registry.reference import ImageReference
from functions.registry.results import ImageFound, ImageMissing

_LOOK_UP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Image:
    """What is to be run."""

    asked: str
    """As the caller wrote it."""
    run: str
    """For the SpinApp: by digest where that is known, so that a tag that is pushed again changes nothing by itself."""
    unchecked: str | None = None
    """Why the registry could not be asked; None when it was, and has the image."""


def check_image(reference: str, allow_list: tuple[str, ...], deadline: Deadline) -> Image:
    """The image that ``reference`` names.

    Raises
    ------
    RefusedError
        Its registry is not allowed here (403), or has no such image (422).
    TooSlowError
        No time is left to ask.
    """
    repository = image_repository(reference)
    if allow_list and not any(re.fullmatch(pattern, repository) for pattern in allow_list):
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            f"Images from '{repository}' are not allowed here: push to a registry that the operator allows",
        )
    seconds = deadline.budget(_LOOK_UP_SECONDS, f"look for image '{reference}'")
    answer = find_image(reference, seconds=seconds)
    if isinstance(answer, ImageMissing):
        raise RefusedError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"Image '{reference}' not found: {answer.reason}. Check the reference, or build and push it first.",
        )
    if isinstance(answer, ImageFound):
        return Image(reference, ImageReference.parse(reference).at(answer.digest))
    return Image(reference, reference, answer.reason)
