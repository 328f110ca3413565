"""Results of looking an image up in its registry."""

import datetime
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ImageFound:
    """The registry has the image."""

    digest: str
    """``sha256:`` and 64 hexadecimal digits: of the manifest, or of the index of a multi-platform image."""
    tags: tuple[str, ...] = field(default=(), compare=False)
    """All of its tags, where the registry tells."""
    pushed_at: datetime.datetime | None = field(default=None, compare=False)
    """Time of the push, if the registry tells it."""


@dataclass(frozen=True, slots=True)
class ImageMissing:
    """The registry does not have the image."""

    reason: str
    """A sentence that names what is missing: the repository, or the tag in it."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """The registry could not be asked. The image may exist."""

    reason: str
    """A sentence that says why; never a secret, and never text that the registry sent."""


Lookup = ImageFound | ImageMissing | NotChecked


@dataclass(frozen=True, slots=True)
class RegistryCredentials:
    """User name and password for one registry."""

    username: str
    password: str = field(repr=False)
