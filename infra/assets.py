"""What is deployed beside the template, made from the repository. A wheel has it ready: `infra.packed_assets`."""

from pathlib import Path

from infra.asset_types import LambdaCode
from infra.tools.bundles import ALL
from infra.tools.image_context import image_context


def lambda_code(handler: str) -> LambdaCode:
    """Return the code of the function whose handler is the module of this name."""
    (bundle,) = (bundle for bundle in ALL if handler in bundle.handlers)
    return LambdaCode(bundle.build(), bundle.digest())


def builder_image() -> Path:
    """Return the docker build context of the builder image; its name is the identity of its content."""
    return image_context()
