"""Image references, ``host[:port]/path[:tag][@digest]``, by the grammar that every registry client shares, and digests.

Sources: the grammar of github.com/distribution/reference; the familiar-name rules of Docker Hub (no host means
docker.io, one path segment there means ``library/``), which Spin 3.6.3 follows through oci-distribution.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

DOCKER_HUB: Final = "docker.io"
DOCKER_HUB_SERVER: Final = "index.docker.io"
DEFAULT_TAG: Final = "latest"
_LONGEST_NAME: Final = 255

# The published grammar allows an empty separator inside a repeated group, which backtracks without end in `re`;
# requiring at least one dash there accepts the same names in linear time.
_SEPARATOR: Final = r"(?:[._]|__|-+)"
_PATH_PART: Final = rf"[a-z0-9]+(?:{_SEPARATOR}[a-z0-9]+)*"
_HOST_PART: Final = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)"
_HOST: Final = rf"{_HOST_PART}(?:\.{_HOST_PART})*(?::[0-9]+)?"
_NAME: Final = rf"(?:{_HOST}/)?{_PATH_PART}(?:/{_PATH_PART})*"
_TAG: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST: Final = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE: Final = re.compile(rf"(?P<name>{_NAME})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_SHA256: Final = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidReferenceError(ValueError):
    """The text is not an image reference. The message says what is wrong and shows the text."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image: where it is (``host``, ``repository``) and which one (``tag`` or ``digest`` or both)."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def server(self) -> str:
        """Host whose API is asked and under which credentials are kept; differs from ``host`` for Docker Hub only."""
        return DOCKER_HUB_SERVER if self.host == DOCKER_HUB else self.host

    @property
    def version(self) -> str:
        """What to ask the registry for: the digest where there is one (it cannot move), else the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    def __str__(self) -> str:
        """Write the whole reference, host included, so that it reads the same to every client."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.host}/{self.repository}{tag}{digest}"


def parse_reference(text: str) -> ImageReference:
    """Read an image reference; the tag is ``latest`` when neither tag nor digest is given.

    Raises
    ------
    InvalidReferenceError
        It is not one, or its digest is not sha256.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        reason = "repository names are lower case" if _REFERENCE.fullmatch(text.lower()) else "invalid format"
        raise InvalidReferenceError(f"{reason}: {text!r} (expected host[:port]/path[:tag][@sha256:…])")
    name, tag, digest = match["name"], match["tag"], match["digest"]
    if len(name) > _LONGEST_NAME:
        raise InvalidReferenceError(f"repository name must not be more than {_LONGEST_NAME} characters: {text!r}")
    if digest is not None and not is_digest(digest):
        raise InvalidReferenceError(f"only sha256 digests (64 hex digits, lower case) are supported: {text!r}")
    host, repository = _split_host(name)
    if tag is None and digest is None:
        tag = DEFAULT_TAG
    return ImageReference(host, repository, tag, digest)


def sha256_digest(content: bytes | bytearray | memoryview) -> str:
    """``sha256:<hex>`` of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def is_digest(text: str) -> bool:
    """Whether this is a full sha256 digest, ``sha256:`` and 64 lower-case hex digits."""
    return _SHA256.fullmatch(text) is not None


def _split_host(name: str) -> tuple[str, str]:
    """Take the host off a name. The first segment is one only if it looks like one (a dot, a port, localhost)."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = DOCKER_HUB, name
    if first == DOCKER_HUB_SERVER:
        first = DOCKER_HUB
    if first == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest
