"""Image references, ``host[:port]/path[:tag][@digest]``: what is one, and what it leads to.

Of the standard library alone: whatever has to do with images can afford to load it.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

MAX_REPOSITORY: Final = 255
"""Characters of ``host[:port]/path``."""

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})*"
_PATH_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"(?P<host>{_HOST}(?::[0-9]{{1,5}})?)(?P<path>(?:/{_PATH_PART})+)")
"""The grammar of the distribution project's reference package, without tag or digest."""
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
REPOSITORY: Final = rf"(?:{_LABEL}(?:\.{_LABEL})+(?::[0-9]{{1,5}})?|{_LABEL}:[0-9]{{1,5}}|localhost)(?:/{_PATH_PART})+"
"""Regular expression of what `check_repository` takes; the length apart."""
REFERENCE: Final = rf"{REPOSITORY}(?::{_TAG.pattern}(?:@{_DIGEST.pattern})?|@{_DIGEST.pattern})"
"""Regular expression of what `check_reference` takes; the repository's length apart."""
_ECR_HOST: Final = re.compile(
    r"(?P<account>[0-9]{12})\.dkr(?:\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.(?:com|eu|com\.cn)"
    r"|-ecr(?:-fips)?\.(?P<dual_stack_region>[a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.eu|amazonwebservices\.com\.cn))"
)
"""Private registries of Amazon ECR (user guide, "Amazon ECR private registry": IPv4, dual-stack and FIPS forms)."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A reference to one image, checked by `check_reference` or made by the builder."""

    host: str
    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a full reference.

        Raises
        ------
        ValueError
            The text has no host, no repository, or neither tag nor digest.
        """
        name, tag, digest = split_reference(text)
        host, slash, repository = name.partition("/")
        if not (host and slash and repository and (tag or digest)):
            raise ValueError(f"not a full image reference: '{text[:200]}'")
        return cls(host, repository, tag or None, digest or None)

    @property
    def version(self) -> str:
        """Return the digest if there is one, or else the tag."""
        return self.digest or str(self.tag)

    @property
    def name(self) -> str:
        """Return ``host/repository``, without tag and digest."""
        return f"{self.host}/{self.repository}"

    def at(self, digest: str) -> str:
        """Return the reference by digest, in the form that every container runtime takes."""
        return f"{self.name}@{digest}"

    def missing(self) -> str:
        """Return the sentence about a repository without this image."""
        return f"repository '{self.name}' has no image '{self.version}'"

    def ecr_registry(self) -> tuple[str, str] | None:
        """Return AWS account and region of the image's ECR registry; None for other registries."""
        return ecr_registry(self.host)


def split_reference(text: str) -> tuple[str, str, str]:
    """Take a text apart into ``host[:port]/path``, tag and digest, each empty where it is missing; judges none."""
    named, _, digest = text.partition("@")
    head, colon, tag = named.rpartition(":")
    return (head, tag, digest) if colon and "/" not in tag else (named, "", digest)


def image_repository(image: str) -> str:
    """Return ``host[:port]/path`` of an image reference, without tag and digest."""
    return split_reference(image)[0]


def registry_host(repository: str) -> str:
    """Return ``host[:port]`` of a repository."""
    return repository.partition("/")[0]


def check_repository(value: str) -> str:
    """Return ``value`` if it is ``host[:port]/path``.

    Raises
    ------
    ValueError
        It is none; the text says what to write.
    """
    if "://" in value:
        raise ValueError("give the registry without a scheme: host/repository, not https://host/repository")
    match = _REPOSITORY.fullmatch(value)
    if match is None:
        raise ValueError("not a registry reference: expected host/repository in lower case, without tag or digest")
    host = match["host"]
    if not ("." in host or ":" in host or host == "localhost"):
        raise ValueError("name the registry's host: host.example.com/repository")
    return value


def check_reference(image: str) -> str:
    """Return ``image`` if it is a full reference: a repository with a tag, a digest or both.

    Raises
    ------
    ValueError
        It is none; the text says what to write.
    """
    repository, tag, digest = split_reference(image)
    try:
        check_repository(repository)
    except ValueError:
        repository = ""
    if not repository or len(repository) > MAX_REPOSITORY:
        raise ValueError("expected host/repository:tag in lower case, with the registry's host, no https://")
    if image[len(repository) :].startswith(":") and not _TAG.fullmatch(tag):
        raise ValueError("the tag must be 1 to 128 of letters, digits, '_', '.' and '-', not starting with '.' or '-'")
    if "@" in image and not _DIGEST.fullmatch(digest):
        raise ValueError("the digest must be sha256: and 64 hexadecimal digits")
    if not tag and not digest:
        raise ValueError("say which version: host/repository:tag, or host/repository@sha256:…")
    return image


def ecr_registry(host: str) -> tuple[str, str] | None:
    """Return AWS account and region of an ECR registry, by its host; None for other registries."""
    match = _ECR_HOST.fullmatch(host)
    return (match["account"], match["region"] or match["dual_stack_region"]) if match else None


def same_repository(one: str, other: str) -> bool:
    """Return whether two ``host/repository`` name one repository: ECR's registries have several hosts each.

    >>> same_repository(
    ...     "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "123456789012.dkr-ecr.eu-west-1.on.aws/app"
    ... )
    True
    """
    return _place(one) == _place(other)


def _place(repository: str) -> tuple[object, str]:
    host, _, path = repository.partition("/")
    return ecr_registry(host.lower()) or host.lower(), path
