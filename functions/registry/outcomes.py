"""What a registry said about an image."""

import datetime
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ImageFound:
    """The image is there."""

    digest: str
    """``sha256:`` and 64 hexadecimal digits: of the manifest, or of the index of a multi-platform image."""
    pushed_at: datetime.datetime | None = field(default=None, compare=False)
    """Where the registry tells."""


@dataclass(frozen=True, slots=True)
class ImageMissing:
    """The registry was asked and has no such image."""

    reason: str
    """What is missing, for people: the repository, or the tag in it."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Nobody knows: the registry could not be asked. The image may well be there."""

    reason: str
    """Why, for people; never a secret, never what the registry sent."""


Lookup = ImageFound | ImageMissing | NotChecked


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """User name and password for one registry."""

    username: str
    password: str = field(repr=False)
