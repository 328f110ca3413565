"""Image references and their parts: ``host[:port]/repository[:tag][@digest]``."""

import re
from dataclasses import dataclass
from typing import Final, Self

_ECR_HOST: Final = re.compile(
    r"(?P<account>[0-9]{12})\.dkr(?:\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.(?:com|eu|com\.cn)"
    r"|-ecr(?:-fips)?\.(?P<dual_stack_region>[a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.eu|amazonwebservices\.com\.cn))"
)
"""Private registries of Amazon ECR (user guide, "Amazon ECR private registry": IPv4, dual-stack and FIPS forms)."""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A reference to one image, checked by `functions.models.deploy.ImageReference` or made by the builder."""

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
        named, _, digest = text.partition("@")
        head, colon, tag = named.rpartition(":")
        if not colon or "/" in tag:
            head, tag = named, ""
        host, slash, repository = head.partition("/")
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

    def ecr_registry(self) -> tuple[str, str] | None:
        """Return AWS account and region of the image's ECR registry; None for other registries."""
        return ecr_registry(self.host)


def ecr_registry(host: str) -> tuple[str, str] | None:
    """Return AWS account and region of an ECR registry, by its host; None for other registries."""
    match = _ECR_HOST.fullmatch(host)
    return (match["account"], match["region"] or match["dual_stack_region"]) if match else None
