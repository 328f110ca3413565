"""What `infra.assets` and `infra.packed_assets` answer."""

from pathlib import Path
from typing import Final, NamedTuple

DOCKERFILE: Final = "builder_image/Dockerfile"
"""In the docker build context of the builder image."""


class LambdaCode(NamedTuple):
    """Code and dependencies of a Lambda function."""

    path: Path
    """Folder, or .zip."""
    digest: str
    """Identity of the content."""
