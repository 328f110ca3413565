"""The image of a deploy: allowed here, there in its registry, named by digest. Asked before the cluster is touched."""

from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.cluster.deadline import Deadline
from functions.cluster.errors import ImageNotAllowedError, ImageNotKeptError, UnfitRequestError
from functions.cluster.settings import DeploySettings
from functions.models.deploy import image_repository
from functions.registry import ecr
from functions.registry.allow_list import is_allowed
from functions.registry.lookup import find_image
from functions.registry.outcomes import ImageFound, ImageMissing, NotChecked
from functions.registry.reference import ImageReference
from functions.telemetry import logger

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


def check_image(reference: str, settings: DeploySettings, deadline: Deadline) -> Image:
    """The image that ``reference`` names. In a repository that expires images it is one that stays, from here on.

    Raises
    ------
    ImageNotAllowedError
        Its registry is not on the allow-list.
    UnfitRequestError
        Its registry has no such image.
    ImageNotKeptError
        Its registry could not be told to keep it.
    TooSlowError
        No time is left to ask.
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
    # Deployed without its mark, it would be removed under the running app one day.
    raise ImageNotKeptError(
        f"Amazon ECR could not be told to keep image '{reference}', which it removes after a while otherwise. "
        "Try again in a moment."
    )
