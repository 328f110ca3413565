"""The image of a deploy: checked against allow-list and registry, and pinned to its digest, before any write."""

from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.cluster.deadline import Deadline
from functions.cluster.errors import ImageNotAllowedError, ImageNotKeptError, UnfitRequestError
from functions.cluster.settings import DeploySettings
from functions.contracts.image_reference import ImageReference, image_repository
from functions.registry import ecr
from functions.registry.allow_list import is_allowed
from functions.registry.lookup import find_image
from functions.registry.outcomes import ImageFound, ImageMissing, NotChecked
from functions.telemetry import logger

_LOOK_UP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Image:
    """The image to run."""

    asked: str
    """Reference as the request named it."""
    run: str
    """Reference for the SpinApp: by digest if it is known, so that a tag pushed again changes nothing by itself."""
    unchecked: str | None = None
    """Reason why the registry could not be asked; None if it confirmed the image."""


def check_image(reference: str, settings: DeploySettings, deadline: Deadline) -> Image:
    """Check the image that ``reference`` names. In a repository that expires images, mark it to be kept.

    Raises
    ------
    ImageNotAllowedError
        The allow-list does not have the registry.
    UnfitRequestError
        The registry does not have the image.
    ImageNotKeptError
        The image could not be marked to be kept.
    TooSlowError
        There is no time left to ask the registry.
    """
    repository = image_repository(reference)
    if not is_allowed(repository, settings.registry_allow_list, settings.default_image_repository):
        raise ImageNotAllowedError(
            f"Images from '{repository}' are not allowed here: push to a registry that the operator allows"
        )
    seconds = deadline.budget(_LOOK_UP_SECONDS, f"look for image '{reference}'")
    answer = find_image(reference, seconds=seconds)
    if isinstance(answer, ImageMissing):
        raise UnfitRequestError(
            f"Image '{reference}' not found: {answer.reason}. Check the reference, or build and push it first."
        )
    if repository == settings.expiring_repository:
        _keep(reference, answer)
    if isinstance(answer, ImageFound):
        return Image(reference, ImageReference.parse(reference).at(answer.digest))
    return Image(reference, reference, answer.reason)


def _keep(reference: str, answer: ImageFound | NotChecked) -> None:
    image = ImageReference.parse(reference)
    registry = image.ecr_registry()
    try:
        if registry is not None and isinstance(answer, ImageFound):
            ecr.keep(image, *registry, answer.digest)
            return
    except (ClientError, BotoCoreError):
        logger.exception("image not marked as deployed")
    # Without the mark the registry would one day remove the image of a running app.
    raise ImageNotKeptError(
        f"Amazon ECR could not be told to keep image '{reference}', which it removes after a while otherwise. "
        "Try again in a moment."
    )
