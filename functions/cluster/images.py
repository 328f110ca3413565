"""The image of a deploy: allow-list, registry and signature are checked, its digest is pinned, before any write."""

from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from functions.cluster.deadline import Deadline
from functions.cluster.errors import (
    ImageNotAllowedError,
    ImageNotKeptError,
    ImageNotProvenError,
    ImageNotSignedError,
    UnfitRequestError,
)
from functions.cluster.settings import DeploySettings
from functions.contracts.image_reference import ImageReference, image_repository, same_repository
from functions.contracts.image_tags import workspace_of
from functions.registry import ecr
from functions.registry.lookup import find_image
from functions.registry.outcomes import ImageFound, ImageMissing, Lookup, NotChecked
from functions.signing.key import SigningKey
from functions.signing.repository import Repository
from functions.signing.verification import SignedImages
from functions.telemetry import logger
from functions.tenancy import audit
from functions.tenancy.registries import refusal
from functions.tenancy.workspace import Workspace

_LOOK_UP_SECONDS: Final = 5.0
_SIGNING_SECONDS: Final = 5.0
"""How long the signature is waited for of an image that has none: its build may have ended a moment ago."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image to run."""

    asked: str
    """Reference as the request named it."""
    run: str
    """Reference for the SpinApp: by digest if it is known, so that a tag pushed again changes nothing by itself."""
    unchecked: str | None = None
    """Reason why the registry could not be asked; None if it confirmed the image."""


def check_image(
    reference: str,
    settings: DeploySettings,
    deadline: Deadline,
    workspace: Workspace | None,
    *,
    proven: bool = False,
) -> Image:
    """Check the image that ``reference`` names. In a repository that expires images, mark it to be kept.

    Parameters
    ----------
    reference
        The image.
    settings
        The service's own repository, its allow-list, and the key that signs.
    deadline
        Until when the registry may be asked.
    workspace
        The workspace that wants to run it; None: tenancy is open.
    proven
        Whether the image is known to be the workspace's.

    Raises
    ------
    ImageNotAllowedError
        The allow-list does not have the registry, or the workspace may not use it.
    UnfitRequestError
        The registry does not have the image, or not for this workspace.
    ImageNotProvenError
        The registry did not say whose image it is, or whether it is signed.
    ImageNotSignedError
        The image is the stack's own and has no valid signature.
    ImageNotKeptError
        The image could not be marked to be kept.
    TooSlowError
        There is no time left to ask the registry.
    """
    repository = image_repository(reference)
    own = settings.default_image_repository
    is_own = same_repository(repository, own)
    if which := refusal(repository, settings.registry_allow_list, own, workspace):
        audit.refused()
        raise ImageNotAllowedError(f"Images from '{repository}' are not allowed here. {which}")
    seconds = deadline.budget(_LOOK_UP_SECONDS, f"look for image '{reference}'")
    answer = find_image(reference, seconds=seconds)
    if is_own and not proven and workspace is not None and workspace.policy is not None:
        answer = _of_workspace(reference, answer, workspace)
    if isinstance(answer, ImageMissing):
        raise UnfitRequestError(
            f"Image '{reference}' not found: {answer.reason}. Check the reference, or build and push it first."
        )
    if is_own and settings.kubernetes_require_signature:
        _check_signature(reference, answer, settings, deadline)
    if same_repository(repository, settings.expiring_repository):
        _keep(reference, answer)
    if isinstance(answer, ImageFound):
        return Image(reference, ImageReference.parse(reference).at(answer.digest))
    return Image(reference, reference, answer.reason)


def _of_workspace(reference: str, answer: Lookup, workspace: Workspace) -> ImageFound | ImageMissing:
    """Take another workspace's image for one that is not there."""
    if isinstance(answer, NotChecked):
        raise ImageNotProvenError(
            f"Amazon ECR did not say whether image '{reference}' is one of workspace '{workspace.workspace_id}' "
            f"({answer.reason}). Try again in a moment."
        )
    if isinstance(answer, ImageFound) and workspace.workspace_id not in map(workspace_of, answer.tags):
        audit.refused(workspace.workspace_id)
        return ImageMissing(ImageReference.parse(reference).missing())
    return answer


def _check_signature(
    reference: str, answer: ImageFound | NotChecked, settings: DeploySettings, deadline: Deadline
) -> None:
    """Raise unless the image is signed by this installation's key, for exactly the digest that is to run."""
    repository = Repository.of(ImageReference.parse(reference))
    if isinstance(answer, NotChecked) or repository is None:
        reason = answer.reason if isinstance(answer, NotChecked) else "it is not in Amazon ECR"
        raise ImageNotProvenError(
            f"Whether image '{reference}' is signed could not be checked ({reason}). Try again in a moment."
        )
    signed = SignedImages(repository, settings.default_image_repository, SigningKey(settings.signing_key_arn))
    seconds = deadline.budget(_SIGNING_SECONDS, f"look for a signature of image '{reference}'")
    try:
        if signed.has(answer.digest, seconds=seconds):
            return
    except (ClientError, BotoCoreError) as error:
        logger.exception("signature not checked")
        raise ImageNotProvenError(
            f"Whether image '{reference}' is signed could not be checked ({type(error).__name__}). "
            "Try again in a moment."
        ) from error
    audit.refused()
    raise ImageNotSignedError(
        f"Image '{reference}' ({answer.digest}) has no valid signature of this installation, which runs no unsigned "
        "image of its own repository. Builds sign what they push: send the image's source again with a `deploy` block. "
        "If it was built here a moment ago, try again first."
    )


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
