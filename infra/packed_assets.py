"""`infra.assets` of a wheel (`infra.tools.cdk_wheel`): what was made from the repository lies beside the package."""

import json
from pathlib import Path
from typing import Final

from infra.asset_types import LambdaCode

FOLDER: Final = Path(__file__).resolve().parents[1] / "packed"
INDEX: Final = "lambda.json"
"""File that has, by the name of each handler, the .zip with its code and the identity of that."""
IMAGE: Final = "image"


def lambda_code(handler: str) -> LambdaCode:
    """Return the code of the function whose handler is the module of this name."""
    name, digest = json.loads((FOLDER / INDEX).read_text("utf-8"))[handler]
    return LambdaCode(FOLDER / name, digest)


def builder_image() -> Path:
    """Return the docker build context of the builder image; its name is the identity of its content."""
    (context,) = (FOLDER / IMAGE).iterdir()
    return context
