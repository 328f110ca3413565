"""Image references and digests. What is a reference, the product says (`functions.contracts.image_reference`).

So names are whole: no host of Docker Hub that nobody wrote, no ``latest``. Kubernetes and Spin take shorter ones.
"""

import hashlib
import re
from typing import Final

from functions.contracts import image_reference

DOCKER_HUB: Final = "docker.io"
DOCKER_HUB_SERVER: Final = "index.docker.io"
_SHA256: Final = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidReferenceError(ValueError):
    """The text is not an image reference. The message says what is wrong and shows the text."""


class ImageReference(image_reference.ImageReference):
    """One image: where it is (``host``, ``repository``) and which one (``tag`` or ``digest`` or both)."""

    @property
    def server(self) -> str:
        """Host whose API is asked and under which credentials are kept; differs from ``host`` for Docker Hub only."""
        return DOCKER_HUB_SERVER if self.host == DOCKER_HUB else self.host

    def __str__(self) -> str:
        """Write the whole reference."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> ImageReference:
    """Read a full image reference.

    Raises
    ------
    InvalidReferenceError
        It is not one.
    """
    try:
        return ImageReference.parse(image_reference.check_reference(text))
    except ValueError as error:
        raise InvalidReferenceError(f"{text!r}: {error}") from None


def sha256_digest(content: bytes | bytearray | memoryview) -> str:
    """``sha256:<hex>`` of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def is_digest(text: str) -> bool:
    """Whether this is a full sha256 digest, ``sha256:`` and 64 lower-case hex digits."""
    return _SHA256.fullmatch(text) is not None
